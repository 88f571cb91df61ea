/**
 * The random generator that both ends of `auth_chain_*` share.
 *
 * Source: xorshift128+, shifts 23, 17, 26.
 *
 * @module
 */
import { concat } from "../../../bytes.ts";
import { u16le } from "./auth_protocol.ts";

const MASK = 0xffff_ffff_ffff_ffffn;

/** A generator of 64-bit numbers. */
export class ChainRandom {
  #v0 = 0n;
  #v1 = 0n;

  /**
   * Restarts from a seed.
   *
   * @param bytes The first 16 bytes are used; fewer are padded with zeros.
   */
  seed(bytes: Uint8Array): void {
    const padded = new Uint8Array(16);
    padded.set(bytes.subarray(0, 16));
    const view = new DataView(padded.buffer);
    this.#v0 = view.getBigUint64(0, true);
    this.#v1 = view.getBigUint64(8, true);
  }

  /** Restarts from a hash and the length of a packet. */
  seedLength(hash: Uint8Array, length: number): void {
    this.seed(concat(u16le(length & 0xffff), hash.subarray(2, 16)));
    for (let i = 0; i < 4; i++) this.next();
  }

  /** Returns the next number. */
  next(): bigint {
    let x = this.#v0;
    const y = this.#v1;
    this.#v0 = y;
    x ^= (x << 23n) & MASK;
    x ^= y ^ (x >> 17n) ^ (y >> 26n);
    this.#v1 = x;
    return (x + y) & MASK;
  }

  /** Returns the next number below a bound. */
  below(bound: number): number {
    return Number(this.next() % BigInt(bound));
  }
}
