/**
 * Remembers the IVs that a server has received or sent. A recording of a stream
 * cipher never expires, and what a server has sent becomes a request if a few
 * of its bytes are changed.
 *
 * Streams and packets have separate memories, because packets are so frequent
 * that they would replace the IVs of streams. An IV in one of them is refused
 * for the other as well.
 *
 * Security: methods without an IV (`rc4`, `table`, `none`) cannot be protected.
 * Forgotten IVs are served again, and so is everything after a restart.
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
  /** The IVs of streams of all servers and threads. */
  readonly #shared: ReplayFilter;
  readonly #streams: RecentSalts;
  readonly #packets: RecentSalts;

  /**
   * Makes an empty memory.
   *
   * @param shared The filter for streams that other servers and threads share.
   * @param capacity IVs in each of the two generations.
   */
  constructor(shared: ReplayFilter, capacity: number = IV_GENERATION) {
    const make = (): RecentSalts =>
      new RecentSalts(SaltTable.make(capacity, false));
    this.#shared = shared;
    this.#streams = make();
    this.#packets = make();
  }

  /**
   * Checks and records the IV of a request.
   *
   * @returns The pending answer, if there is one; see `AcceptStep.question`.
   * @throws {ProtocolError} `ERR_SS_REPLAY` if it was seen before.
   */
  acceptStream(iv: Uint8Array): Promise<boolean> | undefined {
    if (iv.length === 0) return undefined;
    if (this.#packets.has(iv) || !this.#streams.add(iv)) throw replayed("IV");
    return refuseReplay(this.#shared.add(iv), "IV");
  }

  /**
   * Checks and records the IV of a packet.
   *
   * @throws {ProtocolError} `ERR_SS_REPLAY` if it was seen before.
   */
  acceptPacket(iv: Uint8Array): void {
    if (iv.length === 0) return;
    if (this.#streams.has(iv) || !this.#packets.add(iv)) throw replayed("IV");
  }

  /** Records the IV of a stream that is sent, which must not be served. */
  rememberStream(iv: Uint8Array): void {
    if (iv.length === 0) return;
    this.#streams.add(iv);
    this.#shared.remember(iv);
  }

  /** Records the IV of a packet that is sent. */
  rememberPacket(iv: Uint8Array): void {
    if (iv.length > 0) this.#packets.add(iv);
  }
}
