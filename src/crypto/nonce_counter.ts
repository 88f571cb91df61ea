/**
 * The nonce of a stream: a little-endian counter over the whole nonce. It
 * starts at zero and increases by one for every seal or open.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */

/** The length of a nonce in bytes; 24 is that of XChaCha20. */
type NonceLength = 12 | 24;

/**
 * The arrays that all counters return. An array of its own for each direction
 * would be a twentieth of the memory of an idle connection.
 */
const NONCES: Readonly<Record<NonceLength, Uint8Array>> = {
  12: new Uint8Array(12),
  24: new Uint8Array(24),
};

/**
 * Counts nonces and never returns one twice. It ends after 2^53, more than a
 * stream can use.
 */
export class NonceCounter {
  readonly #nonce: Uint8Array;
  #next: number;

  /**
   * Starts before the first nonce.
   *
   * @param length Bytes: 12, or 24 for XChaCha20.
   * @param first The first nonce, for tests of the counter's end; default 0.
   */
  constructor(length: number, first: number = 0) {
    this.#nonce = NONCES[length as NonceLength];
    this.#next = first;
  }

  /**
   * Returns the next nonce.
   *
   * Ownership: the array is valid until the next call of any counter.
   *
   * @throws {RangeError} If every nonce has been used.
   */
  next(): Uint8Array {
    const count = this.#next;
    if (count > Number.MAX_SAFE_INTEGER) {
      throw new RangeError("Cannot continue: every nonce has been used");
    }
    this.#next = count + 1;
    const nonce = this.#nonce;
    const low = count >>> 0;
    const high = (count - low) / 0x1_0000_0000;
    nonce[0] = low;
    nonce[1] = low >>> 8;
    nonce[2] = low >>> 16;
    nonce[3] = low >>> 24;
    nonce[4] = high;
    nonce[5] = high >>> 8;
    nonce[6] = high >>> 16;
    return nonce;
  }
}
