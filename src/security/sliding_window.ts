/**
 * Packet ids seen in one direction of one session: datagrams may come late and
 * out of order, but none twice.
 *
 * Source: SIP022 §3.2.4; the filter of WireGuard (RFC 6479).
 *
 * @module
 */
import { PACKET_WINDOW } from "../limits.ts";

/** Ids from here on are refused: a session must end before they wrap. */
const LIMIT = 2n ** 64n - 1n - 8_192n;

/** Blocks of 32 ids: the window, and one that is being filled. */
const MAX_BLOCKS = 8_192 / 32;

/** The window of one session. */
export class SlidingWindow {
  /** Grows with the ids: most sessions have but a few packets. */
  #bits = new Uint32Array(2);
  /** The highest id so far. */
  #last = 0n;

  /**
   * True if an id may be new; changes nothing, so it may be asked before the
   * packet is authenticated.
   */
  check(id: bigint): boolean {
    if (id >= LIMIT) return false;
    if (id > this.#last) return true;
    if (this.#last - id > BigInt(PACKET_WINDOW)) return false;
    return (this.#bits[this.#blockOf(id)]! & maskOf(id)) === 0;
  }

  /**
   * Records an id, in the same step as it looks it up. Only for packets that
   * are authentic and whose header is valid.
   *
   * @returns `false` when it was seen, or is too old to tell.
   */
  add(id: bigint): boolean {
    if (!this.check(id)) return false;
    if (id > this.#last) this.#advance(id);
    const block = this.#blockOf(id);
    this.#bits[block] = this.#bits[block]! | maskOf(id);
    return true;
  }

  /** Forgets the blocks that come into use again. */
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

  /** Makes room; until the window is whole, no block is used twice. */
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
