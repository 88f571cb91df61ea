/**
 * The source addresses of outgoing traffic: chosen by the system or by the
 * operator.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type {
  DatagramSocket,
  Endpoint,
  OutboundAddresses,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { closedSocket, QueuedSocket } from "./_datagram_queue.ts";

/** The `Transport.bind` of an adapter. */
type Bind = (endpoint: Endpoint) => Promise<DatagramSocket>;

/**
 * Returns the source address for a target.
 *
 * @param host IP address of the target.
 * @returns `undefined` if the system chooses.
 * @throws {TransportError} `ERR_NET_UNREACHABLE` if there is no address of the
 * family: the system's choice would reveal an address that the operator wants
 * to hide.
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

/** Opens a socket for both families, or for IPv4 only if there is no IPv6. */
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
 * One socket for each family, opened at the first send: most clients need one
 * family only. The sockets themselves drop no datagrams, because a read always
 * waits there.
 */
class OutboundSocket extends QueuedSocket implements DatagramSocket {
  /** The address of a socket that is not bound to one place. */
  readonly address: Endpoint = { host: "::", port: 0 };
  readonly #bind: Bind;
  readonly #outbound: OutboundAddresses;
  /** The sockets by local address. */
  readonly #sockets = new Map<string, Promise<DatagramSocket>>();
  /** The open sockets among them. */
  readonly #open = new Map<string, DatagramSocket>();
  #closed = false;

  constructor(bind: Bind, outbound: OutboundAddresses) {
    super();
    this.#bind = bind;
    this.#outbound = outbound;
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
    this.queue.close();
    for (const opening of this.#sockets.values()) {
      opening.then((socket) => socket.close(), () => {
        // The sender gets the error.
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
      // The sender gets the error; the next send opens another socket.
      () => this.#sockets.delete(host),
    );
    return opening;
  }

  /**
   * Registers an open socket. After a failure the next send opens another one.
   */
  #opened(host: string, socket: DatagramSocket): void {
    this.#open.set(host, socket);
    socket.handTo({
      take: (datagram) => this.queue.push(datagram),
      fail: (error) => {
        this.#sockets.delete(host);
        this.#open.delete(host);
        socket.close();
        this.queue.fail(error);
      },
    });
  }
}
