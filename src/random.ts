/**
 * Randomness as an argument.
 *
 * @module
 */

/** Returns `length` fresh bytes from a cryptographically strong source. */
export type RandomBytes = (length: number) => Uint8Array;

/** The runtime's own generator, by Web Crypto. */
export const systemRandomBytes: RandomBytes = (length): Uint8Array =>
  crypto.getRandomValues(new Uint8Array(length));

/**
 * Picks an integer from `0` to `bound - 1`.
 *
 * Security: for load and deadlines, not for secrets; the bias is below
 * `bound / 2**32`.
 */
export function randomBelow(bound: number, randomBytes: RandomBytes): number {
  const value = randomBytes(4)
    .reduce((sum, byte) => sum * 0x100 + byte, 0);
  return Math.floor((value / 2 ** 32) * bound);
}
