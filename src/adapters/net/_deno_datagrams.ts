/**
 * UDP on Deno, with `Deno.listenDatagram`: see docs/decisions/0015.
 *
 * @module
 */
import { abortable } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import { cutBytes, viewOf } from "../../bytes.ts";
import { DATAGRAM_BATCH, MAX_DATAGRAM_LENGTH } from "../../limits.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { refuseInheritedSocket } from "../system/inherited_sockets.ts";
import {
  ADDRESS_LENGTH,
  decodeKnown,
  encodeAddress,
  familyOf,
} from "./linux/addresses.ts";
import {
  closedSocket,
  type PostedDatagram,
  QueuedSocket,
} from "./_datagram_queue.ts";
import { toTransportError } from "./_errors.ts";
import { LostDatagrams } from "./_lost_datagrams.ts";
import { plainAddress } from "./_resolve.ts";
import {
  nextDescriptor,
  openedAt,
  type UdpDescriptor,
} from "./_udp_descriptor.ts";

/** The lost datagrams of all sockets of this thread. */
export const LOST: LostDatagrams = new LostDatagrams();

/**
 * Opens a UDP socket; implements `Transport.bind`.
 *
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` without `unstable: ["net"]`.
 */
// Not an async function: an exception that Deno throws at once must become a
// rejection.
export function bindDeno({ host, port }: Endpoint): Promise<DatagramSocket> {
  if (typeof Deno.listenDatagram !== "function") {
    return Promise.reject(
      new TransportError(
        "ERR_NET_UNSUPPORTED",
        "UDP on Deno needs --unstable-net, or Umbra's deno.json, which has " +
          '"unstable": ["net"]',
      ),
    );
  }
  try {
    refuseInheritedSocket({ host, port }, "udp", "Deno");
    const next = nextDescriptor();
    const connection = Deno.listenDatagram({
      transport: "udp",
      hostname: host,
      port,
    });
    const descriptor = openedAt(next, toEndpoint(connection.addr).port);
    return Promise.resolve(new DenoDatagramSocket(connection, descriptor));
  } catch (error) {
    const action = `bind UDP ${host} port ${port}`;
    return Promise.reject(toTransportError(error, action));
  }
}

class DenoDatagramSocket extends QueuedSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly #connection: Deno.DatagramConn;
  /** The last target; most datagrams have the same target as the one before. */
  #lastTo: Endpoint | undefined;
  #lastAddress: Uint8Array = new Uint8Array(0);
  /** Waiting datagrams; the first is being sent. */
  readonly #waiting: PostedDatagram[] = [];
  #receiving = false;
  #closed = false;

  constructor(
    connection: Deno.DatagramConn,
    descriptor: UdpDescriptor | undefined,
  ) {
    super(descriptor);
    this.#connection = connection;
    this.address = toEndpoint(connection.addr);
    LOST.add(this);
    this.#receive();
  }

  override handTo(taker: DatagramTaker): void {
    super.handTo(taker);
    if (!this.#receiving && !this.#closed) this.#receive();
  }

  override receive(options?: WaitOptions): Promise<Datagram | undefined> {
    const next = super.receive(options);
    // After a failure the next read starts again only when a caller asks.
    if (!this.#receiving && !this.#closed) this.#receive();
    return next;
  }

  async send(
    payload: Uint8Array,
    to: Endpoint,
    { signal }: WaitOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    if (this.#closed) throw closedSocket();
    try {
      await abortable(this.#sendNow(payload, to), signal);
    } catch (error) {
      signal?.throwIfAborted();
      throw this.#explain(error, to);
    }
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    if (this.#closed) return posted(closedSocket());
    if (this.#waiting.length === 0 && this.#trySend(payload, to)) {
      return posted();
    }
    this.#waiting.push({ payload, to, posted });
    if (this.#waiting.length === 1) this.#sendWaiting();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    LOST.remove(this);
    this.udpDescriptor?.close();
    this.#connection.close();
    this.queue.close();
    // The system reports the outcome of the first one.
    for (const { posted } of this.#waiting.splice(1)) posted(closedSocket());
  }

  /**
   * Sends with a system call, which takes a third of the time. If the call
   * fails, Deno sends the datagram and reports the reason.
   */
  #trySend(payload: Uint8Array, to: Endpoint): boolean {
    // For an empty datagram the result of the call does not show that it was
    // sent.
    if (
      this.udpDescriptor === undefined || !mayCall() || payload.length === 0
    ) {
      return false;
    }
    if (to.host !== this.#lastTo?.host || to.port !== this.#lastTo.port) {
      try {
        this.#lastAddress = encodeAddress(to, familyOf(this.address.host));
        this.#lastTo = to;
      } catch {
        // The address is of another family; Deno reports that as well.
        return false;
      }
    }
    return this.udpDescriptor.trySend(payload, this.#lastAddress);
  }

  /** Sends one datagram at a time: Deno does not keep the order of several. */
  #sendWaiting(): void {
    const { payload, to, posted } = this.#waiting[0]!;
    const settled = (error?: unknown): void => {
      this.#waiting.shift();
      if (this.#waiting.length > 0) this.#sendWaiting();
      posted(error);
    };
    this.#sendNow(payload, to).then(
      () => settled(),
      (error) => settled(this.#explain(error, to)),
    );
  }

  async #sendNow(
    payload: Uint8Array,
    { host: hostname, port }: Endpoint,
  ): Promise<unknown> {
    return await this.#connection.send(payload, {
      transport: "udp",
      hostname,
      port,
    });
  }

  #explain(error: unknown, { host, port }: Endpoint): TransportError {
    return this.#closed
      ? closedSocket()
      : toTransportError(error, `send to ${host} port ${port}`);
  }

  /**
   * Reads one datagram at a time: of two waiting reads Deno serves the second
   * first.
   */
  #receive(): void {
    this.#receiving = true;
    this.#receiveAll().catch((error) => {
      if (!this.#closed) this.queue.fail(toTransportError(error, "receive"));
    });
  }

  async #receiveAll(): Promise<void> {
    const buffer = new Uint8Array(MAX_DATAGRAM_LENGTH);
    try {
      while (!this.#closed) {
        const [bytes, from] = await this.#connection.receive(buffer);
        this.#push(bytes, toEndpoint(from));
        this.#receiveMore(buffer);
      }
    } finally {
      this.#receiving = false;
    }
  }

  /**
   * Also takes waiting datagrams with system calls: a receive of Deno takes a
   * turn of its event loop, ten times as long.
   */
  #receiveMore(buffer: Uint8Array): void {
    const descriptor = this.udpDescriptor;
    if (descriptor === undefined || !mayCall()) return;
    for (let i = 1; i < DATAGRAM_BATCH && !this.#closed; i++) {
      const length = descriptor.tryReceive(buffer, SENDER);
      if (length < 0) return;
      this.#push(viewOf(buffer, 0, length), decodeKnown(SENDER, 0));
    }
  }

  #push(bytes: Uint8Array, from: Endpoint): void {
    const payload = cutBytes(bytes.length);
    payload.set(bytes);
    this.queue.push({ payload, from });
  }
}

/** The sender of the last received datagram. */
const SENDER = new Uint8Array(ADDRESS_LENGTH);

let isGranted: boolean | undefined;

/**
 * True if system calls may be used. They would bypass an `--allow-net` with
 * addresses.
 */
function mayCall(): boolean {
  return isGranted ??=
    Deno.permissions.querySync({ name: "net" }).state === "granted";
}

function toEndpoint(address: Deno.Addr): Endpoint {
  const { hostname, port } = address as Deno.NetAddr;
  return { host: plainAddress(hostname), port };
}
