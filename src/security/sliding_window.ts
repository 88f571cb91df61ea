/**
 * Packet ids received in one direction of one session. Datagrams may arrive
 * late and out of order, but each only once.
 *
 * Source: SIP022 §3.2.4; the filter of WireGuard (RFC 6479).
 *
 * @module
 */
import { PACKET_WINDOW } from "../limits.ts";

/**
 * Ids from here on are refused, because a session must end before they wrap.
 */
const LIMIT = 2n ** 64n - 1n - 8_192n;

/** Blocks of 32 ids: the window, and one that is being filled. */
const MAX_BLOCKS = 8_192 / 32;

/** The window of one session. */
export class SlidingWindow {
  /** Grows with the ids, because most sessions have few packets. */
  #bits = new Uint32Array(2);
  /** The highest id so far. */
  #last = 0n;

  /**
   * True if an id may be new. Nothing is changed, so it may be called before
   * the packet is authenticated.
   */
  check(id: bigint): boolean {
    if (id >= LIMIT) return false;
    if (id > this.#last) return true;
    if (this.#last - id > BigInt(PACKET_WINDOW)) return false;
    return (this.#bits[this.#blockOf(id)]! & maskOf(id)) === 0;
  }

  /**
   * Checks and records an id in one step. Call it only for authenticated
   * packets with a valid header.
   *
   * @returns `false` if it was seen, or is too old to decide.
   */
  add(id: bigint): boolean {
    if (!this.check(id)) return false;
    if (id > this.#last) this.#advance(id);
    const block = this.#blockOf(id);
    this.#bits[block] = this.#bits[block]! | maskOf(id);
    return true;
  }

  /** Clears the blocks that are reused. */
  #advance(id: bigint): void {
    const from = this.#last >> 5n;
    this.#last = id;
    this.#grow(id >> 5n);
    const steps = (id >> 5n) - from;
    if (steps >= BigInt(MAX_BLOCKS)) {
      this.#bits.fill(0);
      return;
    }
    for (let i = 1n; i <= steps; i++) {
      this.#bits[this.#blockOf((from + i) << 5n)] = 0;
    }
  }

  /** Grows the window; before it has its full size, no block is reused. */
  #grow(block: bigint): void {
    let length = this.#bits.length;
    while (block >= BigInt(length) && length < MAX_BLOCKS) length *= 2;
    if (length === this.#bits.length) return;
    const bits = new Uint32Array(length);
    bits.set(this.#bits);
    this.#bits = bits;
  }

  #blockOf(id: bigint): number {
    return Number((id >> 5n) % BigInt(this.#bits.length));
  }
}

function maskOf(id: bigint): number {
  return 1 << Number(id & 31n);
}
