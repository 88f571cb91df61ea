/**
 * `table`: every byte is replaced by another one, always the same; and `none`,
 * which leaves every byte as it is.
 *
 * Source: shadowsocks (Python) 2.8.2, as shadowsocks-rust and pproxy agree.
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
 * Time: some 50 milliseconds.
 *
 * @param digest MD5 of the password, which is what `masterKeyFromPassword()`
 * makes for 16 bytes; its first 8 bytes count. ShadowsocksR has the MD5 of
 * these 16 bytes here.
 * @returns 256 bytes: what each byte becomes.
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
      // The upper word's remainder is below 1,279: every step is exact.
      const carried = (high % divisor) * 0x1_0000_0000 + low;
      rest[byte] = carried % divisor;
    }
    // The standard's sort is stable, which decides between equal remainders.
    table.sort((a, b) => rest[a]! - rest[b]!);
  }
  const out = new Uint8Array(256);
  table.forEach((value, byte) => {
    if (direction === "encrypt") out[byte] = value;
    else out[value] = byte;
  });
  return out;
}

/** Tables of keys in use: a packet must not cost as much. */
const TABLES: Readonly<
  Record<KeyStreamDirection, WeakMap<Uint8Array, Uint8Array>>
> = { encrypt: new WeakMap(), decrypt: new WeakMap() };

/** Replaces bytes. */
export class Table implements KeyStream {
  readonly #table: Uint8Array;

  /** @param digest See {@link makeTable}; the table is kept as long as it is. */
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
    // The table stays with its key.
  }
}

/** Copies bytes. */
export class Unchanged implements KeyStream {
  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    if (out !== input) out.set(input);
  }

  free(): void {
    // It holds nothing.
  }
}
