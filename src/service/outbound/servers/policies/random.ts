/**
 * Any server, by weight.
 *
 * @module
 */
import type { Candidate, Policy } from "./policy.ts";

/** Remembers nothing. */
export class AtRandom implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = false;
  readonly #random: () => number;

  /** @param random A number from 0 to 1, 1 excluded. */
  constructor(random: () => number) {
    this.#random = random;
  }

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[]): C {
    const sum = candidates.reduce((sum, { weight }) => sum + weight, 0);
    let left = this.#random() * sum;
    const picked = candidates.find(({ weight }) => (left -= weight) < 0);
    // Rounding may leave a little.
    return picked ?? candidates.at(-1)!;
  }
}
