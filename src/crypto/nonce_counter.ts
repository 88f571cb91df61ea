/**
 * The nonce of a stream: a little-endian counter over the whole nonce. It
 * starts at zero and increases by one for every seal or open.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */

/** Counts nonces and never returns one twice. */
export class NonceCounter {
  readonly #nonce: Uint8Array;
  #started = false;

  /**
   * Starts before the first nonce.
   *
   * @param length Bytes: 12, or 24 for XChaCha20.
   * @param first The first nonce, for tests of the counter's end; default all
   * zero.
   */
  constructor(length: number, first?: Uint8Array) {
    this.#nonce = new Uint8Array(length);
    if (first !== undefined) this.#nonce.set(first);
  }

  /**
   * Returns the next nonce.
   *
   * Ownership: the counter owns the array and changes it at the next call.
   *
   * @throws {RangeError} If every nonce has been used.
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
    throw new RangeError("Cannot continue: every nonce has been used");
  }
}
