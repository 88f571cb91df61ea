/**
 * UDP on Bun.
 *
 * @module
 */
import type { DatagramSocket, Endpoint, Posted } from "../../transport.ts";
import { refuseInheritedSocket } from "../system/inherited_sockets.ts";
import type { BunUdp, BunUdpSocket } from "./_bun_types.ts";
import {
  closedSocket,
  DatagramQueue,
  type PostedDatagram,
  PostingSocket,
} from "./_datagram_queue.ts";
import { toTransportError } from "./_errors.ts";
import { LostDatagrams } from "./_lost_datagrams.ts";
import { plainAddress, resolve } from "./_resolve.ts";
import {
  nextDescriptor,
  openedAt,
  type UdpDescriptor,
} from "./_udp_descriptor.ts";

/** The lost datagrams of all sockets of this thread. */
export const LOST: LostDatagrams = new LostDatagrams();

declare const Bun: BunUdp;

/** Opens a UDP socket; implements `Transport.bind`. */
export async function bindBun(
  { host, port }: Endpoint,
): Promise<DatagramSocket> {
  // For a name Bun would use the choice of c-ares, not the first address of the
  // system.
  const [hostname] = await resolve(host);
  const queue = new DatagramQueue();
  let onDrain = (): void => {};
  try {
    refuseInheritedSocket({ host, port }, "udp", "Bun");
    const next = nextDescriptor();
    const socket = await Bun.udpSocket({
      hostname: hostname!,
      port,
      binaryType: "uint8array",
      socket: {
        data: (_socket, payload, port, address) =>
          queue.push({ payload, from: { host: plainAddress(address), port } }),
        drain: () => onDrain(),
        // An ICMP error is about an earlier datagram, and a failed send is also
        // reported by the call. Neither is an error of the socket. Without this
        // handler Bun would end the process.
        error: () => {},
      },
    });
    const descriptor = openedAt(next, socket.port);
    return new BunDatagramSocket(
      socket,
      [queue, descriptor],
      (call) => onDrain = call,
    );
  } catch (error) {
    throw toTransportError(error, `bind UDP ${host} port ${port}`);
  }
}

class BunDatagramSocket extends PostingSocket<PostedDatagram>
  implements DatagramSocket {
  readonly address: Endpoint;
  readonly #socket: BunUdpSocket;
  #closed = false;

  constructor(
    socket: BunUdpSocket,
    [queue, descriptor]: readonly [DatagramQueue, UdpDescriptor | undefined],
    whenDrained: (call: () => void) => void,
  ) {
    super(descriptor, queue);
    this.#socket = socket;
    this.address = { host: plainAddress(socket.hostname), port: socket.port };
    whenDrained(() => this.#sendWaiting());
    LOST.add(this);
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    if (this.#closed) return posted(closedSocket());
    if (this.waiting.length > 0 || !this.#trySend(payload, to, posted)) {
      this.waiting.push({ payload, to, posted });
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    LOST.remove(this);
    this.udpDescriptor?.close();
    this.#socket.close();
    this.queue.close();
    this.failWaiting();
  }

  /** @returns False if the system has no room; the send must be repeated. */
  #trySend(payload: Uint8Array, to: Endpoint, posted: Posted): boolean {
    try {
      if (!this.#sendNow(payload, to)) return false;
    } catch (error) {
      const { host, port } = to;
      posted(toTransportError(error, `send to ${host} port ${port}`));
      return true;
    }
    posted();
    return true;
  }

  #sendNow(payload: Uint8Array, { host, port }: Endpoint): boolean {
    try {
      return this.#socket.send(payload, port, host);
    } catch {
      // The error may be the ICMP error of an earlier datagram, which the
      // system reports once, in place of sending this one. The second attempt
      // fails only with an error of its own.
      return this.#socket.send(payload, port, host);
    }
  }

  #sendWaiting(): void {
    while (this.waiting.length > 0) {
      const { payload, to, posted } = this.waiting[0]!;
      if (!this.#trySend(payload, to, posted)) return;
      this.waiting.shift();
    }
  }
}
