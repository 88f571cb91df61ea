/**
 * Sockets that answer redirected datagrams: each is bound to the address of a
 * target, so that its client sees the answer come from there.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { formatAddress } from "../../codec/address.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { TransportError } from "../../errors.ts";
import { IdleTimer } from "../../idle_timer.ts";
import { MAX_REPLY_SOCKETS, REPLY_SOCKET_IDLE_MS } from "../../limits.ts";
import type { StopSignal } from "../../on_abort.ts";
import type { DatagramSocket, Endpoint } from "../../transport.ts";
import type { Dependencies } from "../service.ts";

/** Which way an answer takes. */
export interface Reply {
  /** The target that has answered. */
  readonly from: Address;
  /** The client. */
  readonly to: Endpoint;
  /** Its abort gives the sending up. */
  readonly signal: StopSignal;
}

/** One of them. */
interface Entry {
  readonly socket: Promise<DatagramSocket>;
  readonly timer: IdleTimer;
}

/** Bounded; the one that was quiet for longest makes room. */
export class ReplySockets {
  readonly #world: Required<Dependencies>;
  /** By target, the quietest first. */
  readonly #entries = new Map<string, Entry>();

  /** Starts empty. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /**
   * Answers a client in the name of a target.
   *
   * @throws {TransportError} When that is no address, or the system refuses.
   */
  async send(
    payload: Uint8Array,
    { from, to, signal }: Reply,
  ): Promise<void> {
    if (parseIp(from.host) === undefined) {
      throw new TransportError(
        "ERR_NET_ADDRESS_UNAVAILABLE",
        "Cannot answer from a name",
      );
    }
    const socket = await this.#from(from);
    await socket.send(payload, to, { signal });
  }

  /** Closes all of them. */
  close(): void {
    for (const key of this.#entries.keys()) this.#end(key);
  }

  #from(target: Endpoint): Promise<DatagramSocket> {
    const key = formatAddress(target);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.timer.touch();
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known.socket;
    }
    if (this.#entries.size >= MAX_REPLY_SOCKETS) {
      const [quietest] = this.#entries.keys();
      this.#end(quietest!);
    }
    const { transport, clock } = this.#world;
    const socket = transport.bind(target, { redirected: "tproxy" });
    const timer = new IdleTimer(clock, {
      idleTimeoutMs: () => REPLY_SOCKET_IDLE_MS,
      onIdle: () => this.#end(key),
    });
    this.#entries.set(key, { socket, timer });
    // Who sends has the error; the next one tries again.
    socket.catch(() => this.#end(key));
    return socket;
  }

  #end(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.timer.stop();
    entry.socket.then((socket) => socket.close(), () => {
      // There is none.
    });
  }
}
