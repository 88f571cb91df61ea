/**
 * RC4, the stream cipher inside the `auth_chain_*` protocols of ShadowsocksR.
 *
 * Security: broken; only for what speaks nothing better.
 *
 * @module
 */

/** One key stream, used once, in order. */
export class Rc4 {
  readonly #state = new Uint8Array(256);
  #i = 0;
  #j = 0;

  /**
   * Schedules the key.
   *
   * @param key 1 to 256 bytes; borrowed.
   */
  constructor(key: Uint8Array) {
    const state = this.#state;
    for (let i = 0; i < 256; i++) state[i] = i;
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const value = state[i]!;
      j = (j + value + key[i % key.length]!) & 0xff;
      state[i] = state[j]!;
      state[j] = value;
    }
  }

  /** Encrypts or decrypts the next bytes into fresh ones. */
  apply(bytes: Uint8Array): Uint8Array {
    const state = this.#state;
    const out = new Uint8Array(bytes.length);
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < bytes.length; at++) {
      i = (i + 1) & 0xff;
      const value = state[i]!;
      j = (j + value) & 0xff;
      const other = state[j]!;
      state[i] = other;
      state[j] = value;
      out[at] = bytes[at]! ^ state[(value + other) & 0xff]!;
    }
    this.#i = i;
    this.#j = j;
    return out;
  }
}
