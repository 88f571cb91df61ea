/**
 * What lightsocks does to every byte, in both directions.
 *
 * @module
 */

/** A table and its inverse. */
export class ByteTable {
  readonly #there: Uint8Array;
  readonly #back = new Uint8Array(256);

  /**
   * Inverts the table.
   *
   * @param table The 256 bytes that 0 to 255 are replaced by, all different;
   * copied.
   */
  constructor(table: Uint8Array) {
    this.#there = table.slice();
    for (const [byte, replacement] of this.#there.entries()) {
      this.#back[replacement] = byte;
    }
  }

  /** Encodes bytes for the peer into as many new ones. */
  encode(bytes: Uint8Array): Uint8Array {
    return replace(bytes, this.#there);
  }

  /** Decodes bytes of the peer into as many new ones. */
  decode(bytes: Uint8Array): Uint8Array {
    return replace(bytes, this.#back);
  }
}

function replace(bytes: Uint8Array, table: Uint8Array): Uint8Array {
  const out = new Uint8Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) out[i] = table[bytes[i]!]!;
  return out;
}
