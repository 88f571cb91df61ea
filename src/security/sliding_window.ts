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

/** Bits kept: the window, and a block that is being filled. */
const BITS = 8_192;

/** The window of one session. */
export class SlidingWindow {
  readonly #bits = new Uint32Array(BITS / 32);
  /** The highest id so far. */
  #last = 0n;

  /**
   * Whether an id may be new; changes nothing, so it may be asked before the
   * packet is authenticated.
   */
  check(id: bigint): boolean {
    if (id >= LIMIT) return false;
    if (id > this.#last) return true;
    if (this.#last - id > BigInt(PACKET_WINDOW)) return false;
    return (this.#bits[blockOf(id)]! & maskOf(id)) === 0;
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
    const block = blockOf(id);
    this.#bits[block] = this.#bits[block]! | maskOf(id);
    return true;
  }

  /** Forgets the blocks that come into use again. */
  #advance(id: bigint): void {
    const from = this.#last >> 5n;
    const steps = (id >> 5n) - from;
    if (steps >= BigInt(this.#bits.length)) this.#bits.fill(0);
    else {for (let i = 1n; i <= steps; i++) {
        this.#bits[blockOf((from + i) << 5n)] = 0;
      }}
    this.#last = id;
  }
}

function blockOf(id: bigint): number {
  return Number((id >> 5n) % BigInt(BITS / 32));
}

function maskOf(id: bigint): number {
  return 1 << Number(id & 31n);
}
