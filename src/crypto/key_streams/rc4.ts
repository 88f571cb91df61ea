/**
 * RC4: a permutation of all bytes that changes with each byte of key stream.
 *
 * Source: the description on the Cypherpunks list, 1994; RFC 6229 has vectors.
 *
 * @module
 */
import { md5 } from "@noble/hashes/legacy.js";
import { concat } from "../../bytes.ts";
import { checkOutput } from "../aead.ts";
import type { KeyStream, KeyStreamMethod } from "../key_stream.ts";

/**
 * Returns the key of RC4. `rc4-md5` derives one for each IV. `rc4` uses the
 * same for all streams, so that it protects nothing.
 */
export function rc4Key(
  { algorithm }: KeyStreamMethod,
  key: Uint8Array,
  iv: Uint8Array,
): Uint8Array {
  return algorithm === "rc4-md5" ? md5(concat(key, iv)) : key.slice();
}

/** RC4 under one key. */
export class Rc4 implements KeyStream {
  readonly #state = new Uint8Array(256);
  #i = 0;
  #j = 0;

  /** @param key 1 to 256 bytes; borrowed. */
  constructor(key: Uint8Array) {
    const state = this.#state;
    for (let i = 0; i < 256; i++) state[i] = i;
    let j = 0;
    for (let i = 0; i < 256; i++) {
      const swapped = state[i]!;
      j = (j + swapped + key[i % key.length]!) & 0xff;
      state[i] = state[j]!;
      state[j] = swapped;
    }
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    const state = this.#state;
    let i = this.#i;
    let j = this.#j;
    for (let at = 0; at < input.length; at++) {
      i = (i + 1) & 0xff;
      const a = state[i]!;
      j = (j + a) & 0xff;
      const b = state[j]!;
      state[i] = b;
      state[j] = a;
      out[at] = input[at]! ^ state[(a + b) & 0xff]!;
    }
    this.#i = i;
    this.#j = j;
  }

  free(): void {
    this.#state.fill(0);
  }
}
