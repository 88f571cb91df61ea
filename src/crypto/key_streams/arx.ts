/**
 * ChaCha20 and Salsa20 in all their forms, on top of noble.
 *
 * noble computes whole calls and keeps no position. Therefore this module keeps
 * the last, partly used block.
 *
 * Source: Bernstein, "ChaCha, a variant of Salsa20"; RFC 8439;
 * draft-irtf-cfrg-xchacha-03.
 *
 * @module
 */
import {
  chacha20,
  chacha20orig,
  hchacha,
  xchacha20,
} from "@noble/ciphers/chacha.js";
import { salsa20, xsalsa20 } from "@noble/ciphers/salsa.js";
import { MAX_ARX_BLOCKS } from "../../limits.ts";
import { checkOutput } from "../aead.ts";
import { counterEnded, type KeyStream } from "../key_stream.ts";

/** The algorithms of this file. */
export type ArxAlgorithm =
  | "chacha20"
  | "chacha20-ietf"
  | "xchacha20"
  | "salsa20"
  | "xsalsa20";

/** noble's type of a stream cipher function. */
type NobleStream = (
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  output: Uint8Array,
  counter: number,
) => Uint8Array;

const CIPHERS: Readonly<Record<ArxAlgorithm, NobleStream>> = {
  "chacha20": chacha20orig,
  "chacha20-ietf": chacha20,
  xchacha20,
  salsa20,
  xsalsa20,
};

/** Bytes of a block. */
const BLOCK = 64;
const ZEROS = new Uint8Array(BLOCK);

/** A key stream of ChaCha20 or Salsa20. */
export class ArxKeyStream implements KeyStream {
  readonly #cipher: NobleStream;
  readonly #key: Uint8Array;
  readonly #iv: Uint8Array;
  /** Key stream of the last block of the previous call. */
  readonly #block = new Uint8Array(BLOCK);
  #used = BLOCK;
  #next: number;

  /**
   * Copies key and IV.
   *
   * @param firstBlock For tests of the counter's end; default 0.
   */
  constructor(
    algorithm: ArxAlgorithm,
    key: Uint8Array,
    iv: Uint8Array,
    firstBlock = 0,
  ) {
    this.#next = firstBlock;
    this.#cipher = CIPHERS[algorithm];
    this.#key = key.slice();
    this.#iv = iv.slice();
  }

  apply(input: Uint8Array, out: Uint8Array): void {
    checkOutput(out, input.length);
    let at = this.#finishBlock(input, out, 0);
    const whole = input.length - (input.length - at) % BLOCK;
    if (whole > at) {
      this.#run(input.subarray(at, whole), out.subarray(at, whole));
      at = whole;
    }
    if (at === input.length) return;
    this.#run(ZEROS, this.#block);
    this.#used = 0;
    this.#finishBlock(input, out, at);
  }

  free(): void {
    this.#key.fill(0);
    this.#block.fill(0);
  }

  /**
   * Uses the rest of the kept block.
   *
   * @returns The position after the processed bytes.
   */
  #finishBlock(input: Uint8Array, out: Uint8Array, from: number): number {
    const end = Math.min(input.length, from + BLOCK - this.#used);
    for (let at = from; at < end; at++) {
      out[at] = input[at]! ^ this.#block[this.#used++]!;
    }
    return end;
  }

  #run(input: Uint8Array, out: Uint8Array): void {
    const first = this.#next;
    this.#next += Math.ceil(input.length / BLOCK);
    if (this.#next > MAX_ARX_BLOCKS) throw counterEnded();
    this.#cipher(this.#key, this.#iv, input, out, first);
  }
}

/**
 * Computes the key that XChaCha20 uses for one IV. The stream is ChaCha20 with
 * that key and the last 8 bytes of the IV.
 *
 * @param key 32 bytes.
 * @param iv 24 bytes, of which the first 16 are used.
 * @returns 32 new bytes.
 */
export function xchachaKey(key: Uint8Array, iv: Uint8Array): Uint8Array {
  const words = (bytes: Uint8Array): Uint32Array =>
    new Uint32Array(bytes.slice().buffer);
  const out = new Uint8Array(32);
  hchacha(
    words(new TextEncoder().encode("expand 32-byte k")),
    words(key),
    words(iv.subarray(0, 16)),
    new Uint32Array(out.buffer),
  );
  return out;
}

/**
 * Makes the IV of ChaCha20 for OpenSSL and Node.
 *
 * @param iv 8 or 12 bytes.
 * @returns 16 new bytes: a counter of zero, then the IV.
 */
export function afterCounter(iv: Uint8Array): Uint8Array {
  const out = new Uint8Array(16);
  out.set(iv, 16 - iv.length);
  return out;
}
