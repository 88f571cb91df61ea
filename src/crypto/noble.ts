/**
 * The reference provider: audited TypeScript ciphers, available in every
 * runtime.
 *
 * @module
 */
import { gcm } from "@noble/ciphers/aes.js";
import { chacha20poly1305, xchacha20poly1305 } from "@noble/ciphers/chacha.js";
import { TAG_LENGTH } from "../limits.ts";
import { type Aead, type AeadProvider, checkOutput } from "./aead.ts";
import type { AeadAlgorithm } from "./method.ts";

/** AEADs of `@noble/ciphers`. */
export const nobleProvider: AeadProvider = {
  name: "noble",
  version: "2.4.0",
  supports: () => true,
  aead: (method, subkey) => new NobleAead(CIPHERS[method.algorithm], subkey),
};

/** The part of noble's cipher type that is used here. */
type NobleCipher = (
  key: Uint8Array,
  nonce: Uint8Array,
) => {
  encrypt(plaintext: Uint8Array): Uint8Array;
  decrypt(sealed: Uint8Array): Uint8Array;
};

const CIPHERS: Record<AeadAlgorithm, NobleCipher> = {
  "aes-gcm": gcm,
  "chacha20-poly1305": chacha20poly1305,
  "xchacha20-poly1305": xchacha20poly1305,
};

class NobleAead implements Aead {
  readonly #cipher: NobleCipher;
  readonly #key: Uint8Array;

  constructor(cipher: NobleCipher, key: Uint8Array) {
    this.#cipher = cipher;
    this.#key = key;
  }

  seal(nonce: Uint8Array, plaintext: Uint8Array, out: Uint8Array): void {
    checkOutput(out, plaintext.length + TAG_LENGTH);
    out.set(this.#cipher(this.#key, nonce).encrypt(plaintext));
  }

  open(nonce: Uint8Array, sealed: Uint8Array, out: Uint8Array): boolean {
    checkOutput(out, sealed.length - TAG_LENGTH);
    const cipher = this.#cipher(this.#key, nonce);
    let plaintext: Uint8Array;
    try {
      plaintext = cipher.decrypt(sealed);
    } catch {
      // The lengths were checked above, so the only possible error is a wrong
      // tag, which noble reports by an exception.
      return false;
    }
    out.set(plaintext);
    return true;
  }

  free(): void {
    this.#key.fill(0);
  }
}
