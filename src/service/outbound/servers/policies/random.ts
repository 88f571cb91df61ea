/**
 * Chooses a random server by weight.
 *
 * @module
 */
import type { Candidate, Policy } from "./policy.ts";

/** A policy without state. */
export class AtRandom implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = false;
  readonly #random: () => number;

  /** @param random Returns a random number from 0 to 1, 1 excluded. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[]): C {
    const sum = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random() * sum;
    const picked = candidates.find(({ weight }) => (left -= weight) < 0);
    // Rounding errors may leave a small rest.
    return picked ?? candidates.at(-1)!;
  }
}
