/**
 * `table` replaces each byte by a fixed other byte; `none` leaves every byte
 * unchanged.
 *
 * Source: shadowsocks (Python) 2.8.2, compared with shadowsocks-rust and
 * pproxy.
 *
 * @module
 */
import { checkOutput } from "../aead.ts";
import type { KeyStream, KeyStreamDirection } from "../key_stream.ts";

/** Rounds of sorting. */
const ROUNDS = 1_023;

/**
 * Makes the table of a key.
 *
 * Time: about 50 milliseconds.
 *
 * @param digest MD5 of the password, as `masterKeyFromPassword()` makes for 16
 * bytes; its first 8 bytes are used. For ShadowsocksR it is the MD5 of these 16
 * bytes.
 * @returns 256 bytes: the replacement of each byte.
 */
export function makeTable(
  digest: Uint8Array,
  direction: KeyStreamDirection,
): Uint8Array {
  let low = 0;
  let high = 0;
  for (let i = 3; i >= 0; i--) {
    low = low * 256 + digest[i]!;
    high = high * 256 + digest[i + 4]!;
  }
  const table = Array.from({ length: 256 }, (_, i) => i);
  const rest = new Float64Array(256);
  for (let round = 1; round <= ROUNDS; round++) {
    for (const byte of table) {
      const divisor = byte + round;
      // The remainder of the upper word is below 1,279, so every step is exact.
      const carried = (high % divisor) * 0x1_0000_0000 + low;
      rest[byte] = carried % divisor;
    }
    // The sort is stable by the standard, which matters for equal remainders.
    table.sort((a, b) => rest[a]! - rest[b]!);
  }
  const out = new Uint8Array(256);
  table.forEach((value, byte) => {
    if (direction === "encrypt") out[byte] = value;
    else out[value] = byte;
  });
  return out;
}

/**
 * Caches the tables of keys in use, because making one for each packet is too
 * slow.
 */
const TABLES: Readonly<
  Record<KeyStreamDirection, WeakMap<Uint8Array, Uint8Array>>
> = { encrypt: new WeakMap(), decrypt: new WeakMap() };

/** Replaces bytes with a table. */
export class Table implements KeyStream {
  readonly #table: Uint8Array;

  /**
   * @param digest See {@link makeTable}; its table is cached as long as this
   * array exists.
   */
  constructor(digest: Uint8Array, direction: KeyStreamDirection) {
    const known = TABLES[direction].get(digest);
    this.#table = known ?? makeTable(digest, direction);
    if (known === undefined) TABLES[direction].set(digest, this.#table);
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    const table = this.#table;
    for (let at = 0; at < input.length; at++) out[at] = table[input[at]!]!;
  }

  free(): void {
    // The table stays cached for its key.
  }
}

/** Copies bytes. */
export class Unchanged implements KeyStream {
  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    if (out !== input) out.set(input);
  }

  free(): void {
    // There is nothing to release.
  }
}
