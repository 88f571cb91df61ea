/**
 * UDP on Bun.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  WaitOptions,
} from "../../transport.ts";
import { refuseInheritedSocket } from "../system/inherited_sockets.ts";
import type { BunUdp, BunUdpSocket } from "./_bun_types.ts";
import { closedSocket, DatagramQueue } from "./_datagram_queue.ts";
import { toTransportError } from "./_errors.ts";
import { plainAddress, resolve } from "./_resolve.ts";

declare const Bun: BunUdp;

/** Opens a UDP socket; implements `Transport.bind`. */
export async function bindBun(
  { host, port }: Endpoint,
): Promise<DatagramSocket> {
  // Of a name Bun would not take the first address, but c-ares's choice.
  const [hostname] = await resolve(host);
  const queue = new DatagramQueue();
  let onDrain = (): void => {};
  try {
    refuseInheritedSocket({ host, port }, "udp", "Bun");
    const socket = await Bun.udpSocket({
      hostname: hostname!,
      port,
      binaryType: "uint8array",
      socket: {
        data: (_socket, payload, port, address) =>
          queue.push({ payload, from: { host: plainAddress(address), port } }),
        drain: () => onDrain(),
        // ICMP tells of a datagram sent earlier, and a send that failed tells
        // it a second time here: neither is an error of the socket. Without
        // this handler Bun would end the process.
        error: () => {},
      },
    });
    return new BunDatagramSocket(socket, queue, (call) => onDrain = call);
  } catch (error) {
    throw toTransportError(error, `bind UDP ${host} port ${port}`);
  }
}

class BunDatagramSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly #socket: BunUdpSocket;
  readonly #queue: DatagramQueue;
  #drained: PromiseWithResolvers<void> | undefined;
  #closed = false;

  constructor(
    socket: BunUdpSocket,
    queue: DatagramQueue,
    whenDrained: (call: () => void) => void,
  ) {
    this.#socket = socket;
    this.#queue = queue;
    this.address = { host: plainAddress(socket.hostname), port: socket.port };
    whenDrained(() => this.#wakeSenders());
  }

  get dropped(): number {
    return this.#queue.dropped;
  }

  receive(options?: WaitOptions): Promise<Datagram | undefined> {
    return this.#queue.take(options);
  }

  async send(
    payload: Uint8Array,
    to: Endpoint,
    { signal }: WaitOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    while (!this.#closed) {
      if (this.#trySend(payload, to)) return;
      this.#drained ??= Promise.withResolvers();
      await abortable(this.#drained.promise, signal);
    }
    throw closedSocket();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#socket.close();
    this.#queue.close();
    this.#wakeSenders();
  }

  /** @returns Whether the system had room for it. */
  #trySend(payload: Uint8Array, { host, port }: Endpoint): boolean {
    try {
      return this.#socket.send(payload, port, host);
    } catch {
      // Maybe the ICMP error of an earlier datagram, which the system reports
      // once, at the expense of this one. An error of this one comes again.
      try {
        return this.#socket.send(payload, port, host);
      } catch (error) {
        throw toTransportError(error, `send to ${host} port ${port}`);
      }
    }
  }

  #wakeSenders(): void {
    this.#drained?.resolve();
    this.#drained = undefined;
  }
}
