/**
 * Sockets that answer redirected datagrams. Each is bound to the address of a
 * target, so that the client sees the answer come from there.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { formatAddress } from "../../codec/address.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { TransportError } from "../../errors.ts";
import { IdleTimer } from "../../idle_timer.ts";
import { MAX_REPLY_SOCKETS, REPLY_SOCKET_IDLE_MS } from "../../limits.ts";
import type { DatagramSocket, Endpoint, Posted } from "../../transport.ts";
import type { Dependencies } from "../service.ts";

/** The addresses of an answer. */
export interface Reply {
  /** The target that has answered. */
  readonly from: Address;
  /** The client. */
  readonly to: Endpoint;
}

/** One socket. */
interface Entry {
  readonly opening: Promise<DatagramSocket>;
  /** The socket, once it is open. */
  socket?: DatagramSocket;
  readonly timer: IdleTimer;
}

/** A bounded table; the socket that was quiet for longest is closed first. */
export class ReplySockets {
  readonly #world: Required<Dependencies>;
  /** The sockets by target, the quietest first. */
  readonly #entries = new Map<string, Entry>();

  /** Makes an empty table. */
  constructor(world: Required<Dependencies>) {
    this.#world = world;
  }

  /**
   * Answers a client from the address of a target.
   *
   * @param posted Called with the result.
   * @throws {TransportError} If the target is a name.
   */
  post(payload: Uint8Array, { from, to }: Reply, posted: Posted): void {
    if (parseIp(from.host) === undefined) {
      throw new TransportError(
        "ERR_NET_ADDRESS_UNAVAILABLE",
        "Cannot answer from a name, only from an address",
      );
    }
    const { socket, opening } = this.#from(from);
    if (socket !== undefined) return socket.post(payload, to, posted);
    opening.then((opened) => opened.post(payload, to, posted), posted);
  }

  /** Closes all sockets. */
  close(): void {
    for (const key of this.#entries.keys()) this.#end(key);
  }

  #from(target: Endpoint): Entry {
    const key = formatAddress(target);
    const known = this.#entries.get(key);
    if (known !== undefined) {
      known.timer.touch();
      this.#entries.delete(key);
      this.#entries.set(key, known);
      return known;
    }
    if (this.#entries.size >= MAX_REPLY_SOCKETS) {
      const [quietest] = this.#entries.keys();
      this.#end(quietest!);
    }
    const { transport, clock } = this.#world;
    const opening = transport.bind(target, { redirected: "tproxy" });
    const timer = new IdleTimer(clock, {
      idleTimeoutMs: () => REPLY_SOCKET_IDLE_MS,
      onIdle: () => this.#end(key),
    });
    const entry: Entry = { opening, timer };
    this.#entries.set(key, entry);
    opening.then(
      (socket) => entry.socket = socket,
      // The sender gets the error, and the next answer tries again.
      () => this.#end(key),
    );
    return entry;
  }

  #end(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    entry.timer.stop();
    entry.opening.then((socket) => socket.close(), () => {
      // There is no socket to close.
    });
  }
}
