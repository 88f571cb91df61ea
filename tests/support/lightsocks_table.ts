/**
 * Tables of lightsocks, made from a seed.
 *
 * @module
 */
import { randomBelow, type RandomBytes } from "../../src/random.ts";

/** Bytes of a table: one for each value of a byte. */
const TABLE_LENGTH = 256;

/** Makes a table that replaces every byte by another one. */
export function makeLightsocksTable(randomBytes: RandomBytes): Uint8Array {
  for (;;) {
    const table = Uint8Array.from({ length: TABLE_LENGTH }, (_, i) => i);
    for (let i = TABLE_LENGTH - 1; i > 0; i--) {
      const j = randomBelow(i + 1, randomBytes);
      [table[i], table[j]] = [table[j]!, table[i]!];
    }
    // About one shuffle in three leaves no byte unchanged.
    if (unchangedBytes(table) === 0) return table;
  }
}

/** Counts the bytes that a table leaves unchanged. */
export function unchangedBytes(table: Uint8Array): number {
  return table.filter((byte, i) => byte === i).length;
}
