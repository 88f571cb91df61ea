/**
 * Where what goes out leaves from: the system's choice, or addresses that the
 * operator has chosen.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
  OutboundAddresses,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { closedSocket, DatagramQueue } from "./_datagram_queue.ts";

/** `Transport.bind` of some adapter. */
type Bind = (endpoint: Endpoint) => Promise<DatagramSocket>;

/**
 * The address to leave from on the way to another one.
 *
 * @param host IP address.
 * @returns `undefined`: the system chooses.
 * @throws {TransportError} `ERR_NET_UNREACHABLE` when there is none in the
 * family: the system's choice would show an address that was not to be shown.
 */
export function outboundFor(
  host: string,
  outbound: OutboundAddresses | undefined,
): string | undefined {
  if (outbound === undefined) return undefined;
  const isIpv6 = host.includes(":");
  const from = isIpv6 ? outbound.ipv6 : outbound.ipv4;
  if (from !== undefined) return from;
  throw new TransportError(
    "ERR_NET_UNREACHABLE",
    `Cannot reach ${host}: no outbound address is ` +
      (isIpv6 ? "IPv6" : "IPv4"),
  );
}

/** Implements `Transport.bindOutgoing` for an adapter. */
export async function bindOutgoing(
  bind: Bind,
  outbound: OutboundAddresses | undefined,
): Promise<DatagramSocket> {
  return outbound === undefined
    ? await bindAny(bind)
    : new OutboundSocket(bind, outbound);
}

/** A socket for both families; for IPv4 alone where there is no IPv6. */
async function bindAny(bind: Bind): Promise<DatagramSocket> {
  try {
    return await bind({ host: "::", port: 0 });
  } catch (error) {
    const noIpv6 = error instanceof TransportError &&
      (error.code === "ERR_NET_ADDRESS_UNAVAILABLE" ||
        error.code === "ERR_NET_UNREACHABLE");
    if (!noIpv6) throw error;
    return await bind({ host: "0.0.0.0", port: 0 });
  }
}

/**
 * A socket for each family, opened by the first send to it: most clients need
 * but one.
 */
class OutboundSocket implements DatagramSocket {
  /** The address of a socket that is not bound to one place. */
  readonly address: Endpoint = { host: "::", port: 0 };
  readonly #bind: Bind;
  readonly #outbound: OutboundAddresses;
  /** The sockets by our address. */
  readonly #sockets = new Map<string, Promise<DatagramSocket>>();
  /** Those of them that are open. */
  readonly #open = new Map<string, DatagramSocket>();
  readonly #queue = new DatagramQueue();
  #closed = false;

  constructor(bind: Bind, outbound: OutboundAddresses) {
    this.#bind = bind;
    this.#outbound = outbound;
  }

  /** The sockets themselves drop nothing: somebody always waits there. */
  get dropped(): number {
    return this.#queue.dropped;
  }

  handTo(taker: DatagramTaker): void {
    this.#queue.handTo(taker);
  }

  receive(options?: WaitOptions): Promise<Datagram | undefined> {
    return this.#queue.take(options);
  }

  async send(
    payload: Uint8Array,
    to: Endpoint,
    options: WaitOptions = {},
  ): Promise<void> {
    options.signal?.throwIfAborted();
    if (this.#closed) throw closedSocket();
    const socket = await this.#socketOn(outboundFor(to.host, this.#outbound)!);
    await socket.send(payload, to, options);
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    let host: string;
    try {
      if (this.#closed) throw closedSocket();
      host = outboundFor(to.host, this.#outbound)!;
    } catch (error) {
      return posted(error);
    }
    const open = this.#open.get(host);
    if (open !== undefined) return open.post(payload, to, posted);
    this.#socketOn(host).then(
      (socket) => socket.post(payload, to, posted),
      posted,
    );
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#queue.close();
    for (const opening of this.#sockets.values()) {
      opening.then((socket) => socket.close(), () => {
        // The sender has heard that there is none.
      });
    }
  }

  #socketOn(host: string): Promise<DatagramSocket> {
    const known = this.#sockets.get(host);
    if (known !== undefined) return known;
    const opening = this.#bind({ host, port: 0 });
    this.#sockets.set(host, opening);
    opening.then(
      (socket) => this.#opened(host, socket),
      // The sender has the error; the next send opens another socket.
      () => this.#sockets.delete(host),
    );
    return opening;
  }

  /** After a failure the next send opens another socket. */
  #opened(host: string, socket: DatagramSocket): void {
    this.#open.set(host, socket);
    socket.handTo({
      take: (datagram) => this.#queue.push(datagram),
      fail: (error) => {
        this.#sockets.delete(host);
        this.#open.delete(host);
        socket.close();
        this.#queue.fail(error);
      },
    });
  }
}
