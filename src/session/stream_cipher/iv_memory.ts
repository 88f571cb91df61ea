/**
 * Which IVs a server has seen or made: a recording of before 2017 stays good
 * for ever, and what a server has sent is a request for whoever changes a few
 * of its bytes.
 *
 * @module
 */
import { replayed, type SaltFilter } from "../salt_filter.ts";

/** A memory of IVs that can be asked without recording anything. */
export interface IvFilter extends SaltFilter {
  /** True if the IV has been seen and is remembered. */
  has(iv: Uint8Array): boolean;
}

/**
 * The memories of one server. Streams and packets have one each, since packets
 * come by the thousand and would push out the IVs of streams; but an IV of one
 * is refused by both.
 *
 * Security: methods without an IV (`rc4`, `table`, `none`) leave nothing to
 * remember; they are replayed at will.
 */
export class IvMemory {
  readonly #own: IvFilter;
  readonly #other: IvFilter;

  /**
   * @param own Where IVs are recorded.
   * @param other Where they must not be either.
   */
  constructor(own: IvFilter, other: IvFilter) {
    this.#own = own;
    this.#other = other;
  }

  /**
   * Records the IV of a request or packet.
   *
   * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen before.
   */
  accept(iv: Uint8Array): void {
    if (iv.length === 0) return;
    if (this.#other.has(iv) || !this.#own.add(iv)) throw replayed("IV");
  }

  /** Records an IV of ours: what we send must not be served. */
  made(iv: Uint8Array): void {
    if (iv.length > 0) this.#own.add(iv);
  }
}
