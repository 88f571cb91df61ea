/**
 * Chooses one server after the other by weight, and interleaves them.
 *
 * @module
 */
import type { Candidate, Policy } from "./policy.ts";

/** Remembers the credit of each server. */
export class RoundRobin implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = false;
  #credits = new Map<string, number>();

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[]): C {
    const sum = candidates.reduce((sum, { weight }) => sum + weight, 0);
    // Servers that are absent now lose their credit.
    const credits = new Map(
      candidates.map(({ name, weight }) =>
        [name, (this.#credits.get(name) ?? 0) + weight] as const
      ),
    );
    const picked = candidates.reduce((best, one) =>
      credits.get(one.name)! > credits.get(best.name)! ? one : best
    );
    credits.set(picked.name, credits.get(picked.name)! - sum);
    this.#credits = credits;
    return picked;
  }
}
