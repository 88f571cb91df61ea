/**
 * Chooses a random server by weight.
 *
 * @module
 */
import type { Candidate, Policy } from "./policy.ts";

/**
 * Makes a policy without state.
 *
 * @param random Returns a random number from 0 to 1, 1 excluded.
 */
export function atRandom(random: () => number): Policy {
  return {
    keepsServer: false,
    pick<C extends Candidate>(candidates: readonly C[]): C {
      const sum = candidates.reduce((sum, { weight }) => sum + weight, 0);
      let left = random() * sum;
      const picked = candidates.find(({ weight }) => (left -= weight) < 0);
      // Rounding errors may leave a small rest.
      return picked ?? candidates.at(-1)!;
    },
  };
}
