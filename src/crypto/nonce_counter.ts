/**
 * The nonce of a stream: a little-endian counter over the whole nonce, from
 * zero, one step for every seal or open.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */

/** Counts nonces and refuses to use one twice. */
export class NonceCounter {
  readonly #nonce: Uint8Array;
  #started = false;

  /**
   * Starts before the first nonce.
   *
   * @param length Bytes: 12, or 24 for XChaCha20.
   * @param first The first nonce, for tests at the far end; default all zero.
   */
  constructor(length: number, first?: Uint8Array) {
    this.#nonce = new Uint8Array(length);
    if (first !== undefined) this.#nonce.set(first);
  }

  /**
   * Takes the next nonce.
   *
   * Ownership: the array is ours and changes at the next call.
   *
   * @throws {RangeError} When every nonce has been used.
   */
  next(): Uint8Array {
    if (this.#started) this.#increment();
    this.#started = true;
    return this.#nonce;
  }

  #increment(): void {
    const nonce = this.#nonce;
    for (let i = 0; i < nonce.length; i++) {
      nonce[i] = nonce[i]! + 1;
      if (nonce[i] !== 0) return;
    }
    nonce.fill(0xff);
    throw new RangeError("Cannot count on: every nonce has been used");
  }
}
