/**
 * UDP inside the process: datagrams are delivered at once, or lost as scripted.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { tellPosted } from "../../posted.ts";
import { LostDatagrams } from "./_lost_datagrams.ts";
import { closedSocket, QueuedSocket } from "./_datagram_queue.ts";

/** The behaviour of the network for datagrams. */
export interface DatagramScript {
  /** Returns true if the network loses a datagram; default: it loses none. */
  readonly lose?: (
    payload: Uint8Array,
    from: Endpoint,
    to: Endpoint,
  ) => boolean;
  /** Returns what a send waits for, as on a full buffer; default: nothing. */
  readonly stall?: (to: Endpoint) => Promise<void> | undefined;
  /** Largest datagram in bytes; default 65,507, as over IPv4. */
  readonly maxDatagram?: number;
  /** Maximum of open UDP sockets; default: no limit. */
  readonly maxSockets?: number;
}

/** The UDP sockets of one network. */
export class MemoryDatagrams {
  readonly script: DatagramScript;
  /** The lost datagrams of its sockets. */
  readonly lost: LostDatagrams = new LostDatagrams();
  readonly #sockets = new Map<string, MemoryDatagramSocket>();
  #nextPort = 30_000;

  /** @param script The behaviour of the network. */
  constructor(script: DatagramScript) {
    this.script = script;
  }

  /** Number of open sockets. */
  get size(): number {
    return this.#sockets.size;
  }

  /** Opens a socket; implements `Transport.bind`. */
  bind({ host, port }: Endpoint): Promise<DatagramSocket> {
    if (this.size >= (this.script.maxSockets ?? Infinity)) {
      return Promise.reject(
        new TransportError("ERR_NET_DESCRIPTORS", "Cannot bind: no descriptor"),
      );
    }
    const name = host === "localhost" ? "127.0.0.1" : host;
    const address = { host: name, port: port || this.#nextPort++ };
    const key = keyOf(address);
    if (this.#sockets.has(key)) {
      return Promise.reject(
        new TransportError("ERR_NET_ADDRESS_IN_USE", `Cannot bind ${key}`),
      );
    }
    const socket = new MemoryDatagramSocket(
      this,
      address,
      () => {
        this.lost.remove(socket);
        this.#sockets.delete(key);
      },
    );
    this.lost.add(socket);
    this.#sockets.set(key, socket);
    return Promise.resolve(socket);
  }

  /** Delivers a datagram to the socket that is bound there, if any. */
  deliver(payload: Uint8Array, from: Endpoint, to: Endpoint): void {
    if (this.script.lose?.(payload, from, to)) return;
    const { port } = to;
    const wildcards = to.host.includes(":") ? ["::"] : ["0.0.0.0", "::"];
    for (const host of [to.host, ...wildcards]) {
      const socket = this.#sockets.get(keyOf({ host, port }));
      if (socket === undefined) continue;
      // Delivery is delayed: systems do not call back within a call.
      const datagram = { payload: payload.slice(), from };
      queueMicrotask(() => socket.push(datagram));
      return;
    }
  }
}

class MemoryDatagramSocket extends QueuedSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly #network: MemoryDatagrams;
  readonly #onClose: () => void;
  #closed = false;

  constructor(
    network: MemoryDatagrams,
    address: Endpoint,
    onClose: () => void,
  ) {
    super();
    this.#network = network;
    this.address = address;
    this.#onClose = onClose;
  }

  /** Receives a datagram. */
  push(datagram: Datagram): void {
    this.queue.push(datagram);
  }

  async send(
    payload: Uint8Array,
    to: Endpoint,
    { signal }: WaitOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    const stalled = this.#network.script.stall?.(to);
    if (stalled !== undefined) await abortable(stalled, signal);
    this.#sendNow(payload, to);
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    const stalled = this.#network.script.stall?.(to);
    if (stalled !== undefined) {
      return tellPosted(
        stalled.then(() => this.#sendNow(payload, to)),
        posted,
      );
    }
    try {
      this.#sendNow(payload, to);
    } catch (error) {
      return posted(error);
    }
    posted();
  }

  #sendNow(payload: Uint8Array, to: Endpoint): void {
    const { maxDatagram = 65_507 } = this.#network.script;
    if (this.#closed) throw closedSocket();
    if (payload.length > maxDatagram) {
      throw new TransportError(
        "ERR_NET_MESSAGE_SIZE",
        `Cannot send ${payload.length} bytes: at most ${maxDatagram}`,
      );
    }
    this.#network.deliver(payload, this.#source(to.host), to);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.queue.close();
    this.#onClose();
  }

  /**
   * Returns the source address of a wildcard socket, which depends on the
   * target.
   */
  #source(target: string): Endpoint {
    const { host, port } = this.address;
    const isIpv6 = target.includes(":");
    if (host === "::" || (host === "0.0.0.0" && !isIpv6)) {
      return { host: isIpv6 ? "::1" : "127.0.0.1", port };
    }
    if (host.includes(":") === isIpv6) return this.address;
    throw new TransportError(
      "ERR_NET_UNREACHABLE",
      `Cannot send from ${host} to ${target}`,
    );
  }
}

function keyOf({ host, port }: Endpoint): string {
  return `${host} ${port}`;
}
