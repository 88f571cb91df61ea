/**
 * The byte substitution of lightsocks, for both directions.
 *
 * @module
 */

/** A table and its inverse. */
export class ByteTable {
  readonly #there: Uint8Array;
  readonly #back = new Uint8Array(256);

  /**
   * Makes the inverse of the table.
   *
   * @param table The 256 different bytes that replace 0 to 255; copied.
   */
  constructor(table: Uint8Array) {
    this.#there = table.slice();
    for (const [byte, replacement] of this.#there.entries()) {
      this.#back[replacement] = byte;
    }
  }

  /** Encodes bytes for the peer into a new array. */
  encode(bytes: Uint8Array): Uint8Array {
    return replace(bytes, this.#there);
  }

  /** Decodes bytes of the peer into a new array. */
  decode(bytes: Uint8Array): Uint8Array {
    return replace(bytes, this.#back);
  }
}

function replace(bytes: Uint8Array, table: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]!]!;
  return out;
}
