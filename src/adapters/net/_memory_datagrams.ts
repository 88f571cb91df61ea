/**
 * UDP inside the process: delivered at once, lost where the script says so.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { tellPosted } from "../../posted.ts";
import { LostDatagrams } from "./_lost_datagrams.ts";
import { closedSocket, DatagramQueue } from "./_datagram_queue.ts";

/** What the network does with datagrams. */
export interface DatagramScript {
  /** True if the network loses this datagram; by default it loses none. */
  readonly lose?: (
    payload: Uint8Array,
    from: Endpoint,
    to: Endpoint,
  ) => boolean;
  /**
   * What a send to this address waits for, as on a full buffer; by default
   * nothing.
   */
  readonly stall?: (to: Endpoint) => Promise<void> | undefined;
  /** Bytes of the largest datagram; 65,507 by default, as over IPv4. */
  readonly maxDatagram?: number;
  /** UDP sockets that can be open at once; no bound by default. */
  readonly maxSockets?: number;
}

/** The UDP sockets of one network. */
export class MemoryDatagrams {
  readonly script: DatagramScript;
  /** The datagrams that its sockets lost. */
  readonly lost: LostDatagrams = new LostDatagrams();
  readonly #sockets = new Map<string, MemoryDatagramSocket>();
  #nextPort = 30_000;

  /** @param script What happens to datagrams. */
  constructor(script: DatagramScript) {
    this.script = script;
  }

  /** Sockets that are open. */
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

  /** Hands a datagram to the socket that is bound there, if there is one. */
  deliver(payload: Uint8Array, from: Endpoint, to: Endpoint): void {
    if (this.script.lose?.(payload, from, to)) return;
    const { port } = to;
    const wildcards = to.host.includes(":") ? ["::"] : ["0.0.0.0", "::"];
    for (const host of [to.host, ...wildcards]) {
      const socket = this.#sockets.get(keyOf({ host, port }));
      if (socket === undefined) continue;
      // As no system calls back within a call.
      const datagram = { payload: payload.slice(), from };
      queueMicrotask(() => socket.queue.push(datagram));
      return;
    }
  }
}

class MemoryDatagramSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly queue = new DatagramQueue();
  readonly #network: MemoryDatagrams;
  readonly #onClose: () => void;
  #closed = false;

  constructor(
    network: MemoryDatagrams,
    address: Endpoint,
    onClose: () => void,
  ) {
    this.#network = network;
    this.address = address;
    this.#onClose = onClose;
  }

  get dropped(): number {
    return this.queue.dropped;
  }

  handTo(taker: DatagramTaker): void {
    this.queue.handTo(taker);
  }

  receive(options?: WaitOptions): Promise<Datagram | undefined> {
    return this.queue.take(options);
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

  /** A wildcard socket sends from the address that is nearest the target. */
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
