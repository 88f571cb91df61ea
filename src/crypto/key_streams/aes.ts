/**
 * The AES modes of the stream ciphers, on top of noble's block cipher.
 *
 * Source: NIST SP 800-38A §6.3 (CFB), §6.4 (OFB), §6.5 (CTR).
 *
 * @module
 */
import { unsafe } from "@noble/ciphers/aes.js";
import { checkOutput } from "../aead.ts";
import type { KeyStream, KeyStreamDirection } from "../key_stream.ts";

/** Bytes of a block. */
const BLOCK = 16;

/** A key, and one block of key stream. */
abstract class AesKeyStream implements KeyStream {
  /** The current block; each mode defines its content. */
  protected readonly block: Uint8Array;
  readonly #words: Uint32Array;
  readonly #key: Uint32Array;

  /**
   * Copies key and IV.
   *
   * @param key 16, 24 or 32 bytes.
   * @param iv 16 bytes.
   */
  constructor(key: Uint8Array, iv: Uint8Array) {
    this.#key = unsafe.expandKeyLE(key.slice());
    this.block = iv.slice();
    // noble's words are little-endian, like every machine that Deno and Bun
    // support.
    this.#words = new Uint32Array(this.block.buffer);
  }

  abstract apply(input: Uint8Array, out: Uint8Array): void;

  free(): void {
    this.#key.fill(0);
    this.block.fill(0);
  }

  /** Encrypts `from` into the block. */
  protected encryptBlock(from: Uint32Array = this.#words): void {
    const words = this.#words;
    const { s0, s1, s2, s3 } = unsafe.encrypt(
      this.#key,
      from[0]!,
      from[1]!,
      from[2]!,
      from[3]!,
    );
    words[0] = s0;
    words[1] = s1;
    words[2] = s2;
    words[3] = s3;
  }
}

/**
 * CFB with 128 bits of feedback: a block of ciphertext gives the next block.
 */
export class AesCfb extends AesKeyStream {
  readonly #encrypts: boolean;
  #used = BLOCK;

  /** See {@link AesKeyStream}. */
  constructor(
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ) {
    super(key, iv);
    this.#encrypts = direction === "encrypt";
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    const block = this.block;
    const encrypts = this.#encrypts;
    let used = this.#used;
    for (let at = 0; at < input.length; at++) {
      if (used === BLOCK) {
        this.encryptBlock();
        used = 0;
      }
      const taken = input[at]!;
      const turned = taken ^ block[used]!;
      out[at] = turned;
      block[used++] = encrypts ? turned : taken;
    }
    this.#used = used;
  }
}

/** A key stream that does not depend on the text. */
abstract class AesFreeStream extends AesKeyStream {
  #used = BLOCK;

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    const block = this.block;
    let used = this.#used;
    for (let at = 0; at < input.length; at++) {
      if (used === BLOCK) {
        this.nextBlock();
        used = 0;
      }
      out[at] = input[at]! ^ block[used++]!;
    }
    this.#used = used;
  }

  /** Makes the next block of the key stream. */
  protected abstract nextBlock(): void;
}

/** OFB: a block of key stream gives the next one. */
export class AesOfb extends AesFreeStream {
  protected nextBlock(): void {
    this.encryptBlock();
  }
}

/** CTR: a big-endian counter of 128 bits that starts with the IV. */
export class AesCtr extends AesFreeStream {
  readonly #counter: Uint8Array;
  readonly #counterWords: Uint32Array;

  /** See {@link AesKeyStream}. */
  constructor(key: Uint8Array, iv: Uint8Array) {
    super(key, iv);
    this.#counter = iv.slice();
    this.#counterWords = new Uint32Array(this.#counter.buffer);
  }

  protected nextBlock(): void {
    this.encryptBlock(this.#counterWords);
    const counter = this.#counter;
    for (let i = BLOCK - 1; i >= 0; i--) {
      counter[i] = counter[i]! + 1;
      if (counter[i] !== 0) return;
    }
  }
}

/** CFB with less than a block of feedback, which a register shifts in. */
abstract class AesShifted extends AesKeyStream {
  protected readonly encrypts: boolean;
  protected readonly register: Uint8Array;
  readonly #registerWords: Uint32Array;

  /** See {@link AesKeyStream}. */
  constructor(
    key: Uint8Array,
    iv: Uint8Array,
    direction: KeyStreamDirection,
  ) {
    super(key, iv);
    this.encrypts = direction === "encrypt";
    this.register = iv.slice();
    this.#registerWords = new Uint32Array(this.register.buffer);
  }

  /** Returns the first byte of the key stream that the register gives. */
  protected nextByte(): number {
    this.encryptBlock(this.#registerWords);
    return this.block[0]!;
  }
}

/** CFB with 8 bits of feedback: one AES block for each byte. */
export class AesCfb8 extends AesShifted {
  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    const register = this.register;
    for (let at = 0; at < input.length; at++) {
      const taken = input[at]!;
      const turned = taken ^ this.nextByte();
      out[at] = turned;
      register.copyWithin(0, 1);
      register[BLOCK - 1] = this.encrypts ? turned : taken;
    }
  }
}

/**
 * CFB with one bit of feedback, most significant bit first: 8 AES blocks for
 * each byte.
 */
export class AesCfb1 extends AesShifted {
  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    for (let at = 0; at < input.length; at++) {
      const taken = input[at]!;
      let turned = 0;
      for (let bit = 7; bit >= 0; bit--) {
        const takenBit = (taken >>> bit) & 1;
        const turnedBit = takenBit ^ (this.nextByte() >>> 7);
        turned |= turnedBit << bit;
        this.#shiftIn(this.encrypts ? turnedBit : takenBit);
      }
      out[at] = turned;
    }
  }

  #shiftIn(bit: number): void {
    const register = this.register;
    let carry = bit;
    for (let i = BLOCK - 1; i >= 0; i--) {
      const byte = register[i]!;
      register[i] = (byte << 1) | carry;
      carry = byte >>> 7;
    }
  }
}
