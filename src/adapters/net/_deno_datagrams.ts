/**
 * UDP on Deno, over `Deno.listenDatagram`: see docs/decisions/0015.
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
import { closedSocket, DatagramQueue } from "./_datagram_queue.ts";
import { toTransportError } from "./_errors.ts";
import { LostDatagrams } from "./_lost_datagrams.ts";
import { plainAddress } from "./_resolve.ts";
import {
  nextDescriptor,
  openedAt,
  type UdpDescriptor,
} from "./_udp_descriptor.ts";

/** Of all sockets of this thread. */
export const LOST: LostDatagrams = new LostDatagrams();

/**
 * Opens a UDP socket; implements `Transport.bind`.
 *
 * @throws {TransportError} `ERR_NET_UNSUPPORTED` without `unstable: ["net"]`.
 */
// Not an async function: what Deno throws here at once must reject.
export function bindDeno({ host, port }: Endpoint): Promise<DatagramSocket> {
  if (typeof Deno.listenDatagram !== "function") {
    return Promise.reject(
      new TransportError(
        "ERR_NET_UNSUPPORTED",
        "UDP on Deno needs --unstable-net, or our deno.json, " +
          'which has "unstable": ["net"]',
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

/** A datagram that waits for the system to take it. */
interface Waiting {
  readonly payload: Uint8Array;
  readonly to: Endpoint;
  readonly posted: Posted;
}

class DenoDatagramSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly #connection: Deno.DatagramConn;
  readonly #descriptor: UdpDescriptor | undefined;
  readonly #queue = new DatagramQueue();
  /** Most of them go to where the last one went. */
  #lastTo: Endpoint | undefined;
  #lastAddress: Uint8Array = new Uint8Array(0);
  /** The first one is under way. */
  readonly #waiting: Waiting[] = [];
  #receiving = false;
  #closed = false;

  constructor(
    connection: Deno.DatagramConn,
    descriptor: UdpDescriptor | undefined,
  ) {
    this.#connection = connection;
    this.#descriptor = descriptor;
    this.address = toEndpoint(connection.addr);
    LOST.add(this);
    this.#receive();
  }

  get dropped(): number {
    return this.#queue.dropped + (this.#descriptor?.drops ?? 0);
  }

  get receiveBuffer(): number | undefined {
    return this.#descriptor?.receiveBuffer;
  }

  handTo(taker: DatagramTaker): void {
    this.#queue.handTo(taker);
    if (!this.#receiving && !this.#closed) this.#receive();
  }

  receive(options?: WaitOptions): Promise<Datagram | undefined> {
    const next = this.#queue.take(options);
    // After a failure nothing is read until somebody asks again.
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
    this.#descriptor?.close();
    this.#connection.close();
    this.#queue.close();
    // The first one is the system's, which says so itself.
    for (const { posted } of this.#waiting.splice(1)) posted(closedSocket());
  }

  /**
   * Sends by a call of the system, which takes a third of the time. Of what that
   * refuses, Deno knows why.
   */
  #trySend(payload: Uint8Array, to: Endpoint): boolean {
    // With an empty one the call could not tell that it was sent.
    if (this.#descriptor === undefined || !mayCall() || payload.length === 0) {
      return false;
    }
    if (to.host !== this.#lastTo?.host || to.port !== this.#lastTo.port) {
      try {
        this.#lastAddress = encodeAddress(to, familyOf(this.address.host));
        this.#lastTo = to;
      } catch {
        // No address of this family: Deno says so as well.
        return false;
      }
    }
    return this.#descriptor.trySend(payload, this.#lastAddress);
  }

  /** One at a time: of several, Deno does not keep the order. */
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

  /** One read at a time: of two, Deno serves the second one first. */
  #receive(): void {
    this.#receiving = true;
    this.#receiveAll().catch((error) => {
      if (!this.#closed) this.#queue.fail(toTransportError(error, "receive"));
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
   * Takes what waits as well, by calls of the system: a receive of Deno's is a
   * turn of its event loop, and costs ten times as much.
   */
  #receiveMore(buffer: Uint8Array): void {
    const descriptor = this.#descriptor;
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
    this.#queue.push({ payload, from });
  }
}

/** Who has sent what was received last. */
const SENDER = new Uint8Array(ADDRESS_LENGTH);

let isGranted: boolean | undefined;

/** True if no `--allow-net` with addresses is passed by. */
function mayCall(): boolean {
  return isGranted ??=
    Deno.permissions.querySync({ name: "net" }).state === "granted";
}

function toEndpoint(address: Deno.Addr): Endpoint {
  const { hostname, port } = address as Deno.NetAddr;
  return { host: plainAddress(hostname), port };
}
