/**
 * Which IVs a server has seen or made: a recording of before 2017 stays good
 * for ever, and what a server has sent becomes a request if one changes a few
 * of its bytes.
 *
 * Streams and packets have a memory each, since packets come by the thousand
 * and would push out the IVs of streams; but an IV that one of them knows is
 * refused for the other, too.
 *
 * Security: methods without an IV (`rc4`, `table`, `none`) leave nothing to
 * remember. What a memory has forgotten is served again; so is everything after
 * a restart.
 *
 * @module
 */
import { IV_GENERATION } from "../../limits.ts";
import {
  RecentSalts,
  type ReplayFilter,
} from "../../security/replay_filter.ts";
import { SaltTable } from "../../security/salt_table.ts";
import { refuseReplay, replayed } from "../replay.ts";

/** The memory of one server. */
export class IvMemory {
  /** The IVs of streams, over all servers and threads. */
  readonly #shared: ReplayFilter;
  readonly #streams: RecentSalts;
  readonly #packets: RecentSalts;

  /**
   * Starts empty.
   *
   * @param shared The memory for streams that other servers and threads share.
   * @param capacity IVs of one generation; there are two.
   */
  constructor(shared: ReplayFilter, capacity: number = IV_GENERATION) {
    const make = (): RecentSalts =>
      new RecentSalts(SaltTable.make(capacity, false));
    this.#shared = shared;
    this.#streams = make();
    this.#packets = make();
  }

  /**
   * Records the IV of a request.
   *
   * @returns An answer that is still to come; see `AcceptStep.question`.
   * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen before.
   */
  acceptStream(iv: Uint8Array): Promise<boolean> | undefined {
    if (iv.length === 0) return undefined;
    if (this.#packets.has(iv) || !this.#streams.add(iv)) throw replayed("IV");
    return refuseReplay(this.#shared.add(iv), "IV");
  }

  /**
   * Records the IV of a packet.
   *
   * @throws {ProtocolError} `ERR_SS_REPLAY` when it was seen before.
   */
  acceptPacket(iv: Uint8Array): void {
    if (iv.length === 0) return;
    if (this.#streams.has(iv) || !this.#packets.add(iv)) throw replayed("IV");
  }

  /** Records an IV of our own: what we send in a stream must not be served. */
  rememberStream(iv: Uint8Array): void {
    if (iv.length === 0) return;
    this.#streams.add(iv);
    this.#shared.remember(iv);
  }

  /** Remembers the IV of a packet. */
  rememberPacket(iv: Uint8Array): void {
    if (iv.length > 0) this.#packets.add(iv);
  }
}
