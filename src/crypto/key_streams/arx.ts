/**
 * ChaCha20 and Salsa20 in all their forms, over noble.
 *
 * noble computes whole calls and keeps no position, so the block that a call
 * ends in is kept here.
 *
 * Source: Bernstein, "ChaCha, a variant of Salsa20"; RFC 8439;
 * draft-irtf-cfrg-xchacha-03.
 *
 * @module
 */
import { chacha20, chacha20orig, xchacha20 } from "@noble/ciphers/chacha.js";
import { salsa20, xsalsa20 } from "@noble/ciphers/salsa.js";
import { MAX_ARX_BLOCKS } from "../../limits.ts";
import { checkOutput } from "../aead.ts";
import type { KeyStream } from "../key_stream.ts";

/** The algorithms of this file. */
export type ArxAlgorithm =
  | "chacha20"
  | "chacha20-ietf"
  | "xchacha20"
  | "salsa20"
  | "xsalsa20";

/** noble's type of such a cipher. */
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

/** One of them, from block 0. */
export class ArxKeyStream implements KeyStream {
  readonly #cipher: NobleStream;
  readonly #key: Uint8Array;
  readonly #iv: Uint8Array;
  /** Key stream of the block that the last call ended in. */
  readonly #block = new Uint8Array(BLOCK);
  #used = BLOCK;
  #next = 0;

  /** Keeps copies of key and IV. */
  constructor(algorithm: ArxAlgorithm, key: Uint8Array, iv: Uint8Array) {
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

  /** Uses what the kept block has left; where it came to. */
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

/** The error of a stream that is too long for a counter of 32 bits. */
export function counterEnded(): RangeError {
  return new RangeError("Cannot count on: every block has been used");
}
