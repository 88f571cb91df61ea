/**
 * AES on single blocks, for headers of the 2022 edition that are encrypted but
 * not authenticated.
 *
 * Source: SIP022 §3.2.2, SIP023. Security: only for unique blocks whose content
 * is authenticated elsewhere.
 *
 * @module
 */
import { ecb } from "@noble/ciphers/aes.js";

/** Bytes of a block. */
export const BLOCK_LENGTH = 16;

/** AES-128 or AES-256 under one key, one block at a time. */
export class BlockCipher {
  readonly #key: Uint8Array;

  /**
   * Keeps a copy of the key.
   *
   * @param key 16 or 32 bytes.
   */
  constructor(key: Uint8Array) {
    this.#key = key.slice();
  }

  /** Encrypts 16 bytes into 16 new bytes. */
  encrypt(block: Uint8Array): Uint8Array {
    return ecb(this.#key, NO_PADDING).encrypt(block);
  }

  /** Decrypts 16 bytes into 16 new bytes. */
  decrypt(block: Uint8Array): Uint8Array {
    return ecb(this.#key, NO_PADDING).decrypt(block);
  }
}

const NO_PADDING = { disablePadding: true };
