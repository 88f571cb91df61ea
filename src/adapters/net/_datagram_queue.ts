/**
 * The queue between the system and the reader of a UDP socket's datagrams.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import {
  MAX_QUEUED_DATAGRAM_BYTES,
  MAX_QUEUED_DATAGRAMS,
} from "../../limits.ts";
import { onAbort, type StopSignal } from "../../on_abort.ts";
import type {
  Datagram,
  DatagramTaker,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import type { UdpDescriptor } from "./_udp_descriptor.ts";

type Waiting = PromiseWithResolvers<Datagram | undefined>;

/** A bounded queue of datagrams. If it is full, a new datagram is dropped. */
export class DatagramQueue {
  /** Number of dropped datagrams. */
  dropped = 0;
  readonly #datagrams: Datagram[] = [];
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #closed = false;
  #taker: DatagramTaker | undefined;

  /** Implements `DatagramSocket.handTo`. */
  handTo(taker: DatagramTaker): void {
    this.#taker = taker;
    for (const datagram of this.#datagrams.splice(0)) taker.take(datagram);
    this.#bytes = 0;
  }

  /** Passes a datagram to the taker, or queues it if there is room. */
  push(datagram: Datagram): void {
    if (this.#closed) return;
    if (this.#taker !== undefined) return this.#taker.take(datagram);
    const waiting = this.#waiting.shift();
    if (waiting !== undefined) {
      waiting.resolve(datagram);
      return;
    }
    const { length } = datagram.payload;
    if (
      this.#datagrams.length >= MAX_QUEUED_DATAGRAMS ||
      this.#bytes + length > MAX_QUEUED_DATAGRAM_BYTES
    ) {
      this.dropped++;
      return;
    }
    this.#datagrams.push(datagram);
    this.#bytes += length;
  }

  /** Returns the next datagram; implements `DatagramSocket.receive`. */
  take({ signal }: WaitOptions = {}): Promise<Datagram | undefined> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const datagram = this.#datagrams.shift();
    if (datagram !== undefined) {
      this.#bytes -= datagram.payload.length;
      return Promise.resolve(datagram);
    }
    if (this.#closed) return Promise.resolve(undefined);
    const waiting: Waiting = Promise.withResolvers();
    this.#waiting.push(waiting);
    return signal === undefined
      ? waiting.promise
      : this.#abortable(waiting, signal);
  }

  /** Rejects all waiting reads. */
  fail(error: TransportError): void {
    if (!this.#closed) this.#taker?.fail(error);
    for (const waiting of this.#waiting.splice(0)) waiting.reject(error);
  }

  /** Ends all waiting reads and removes all datagrams. */
  close(): void {
    this.#closed = true;
    this.#taker = undefined;
    this.#datagrams.length = 0;
    for (const waiting of this.#waiting.splice(0)) waiting.resolve(undefined);
  }

  /** Waits for a datagram. An aborted wait must not take the next datagram. */
  async #abortable(
    waiting: Waiting,
    signal: StopSignal,
  ): Promise<Datagram | undefined> {
    const leave = onAbort(signal, () => {
      const index = this.#waiting.indexOf(waiting);
      if (index === -1) return;
      this.#waiting.splice(index, 1);
      waiting.reject(signal.reason);
    });
    try {
      return await waiting.promise;
    } finally {
      leave();
    }
  }
}

/** The receiving half of a `DatagramSocket` with a {@link DatagramQueue}. */
export abstract class QueuedSocket {
  protected readonly queue: DatagramQueue;
  protected readonly udpDescriptor: UdpDescriptor | undefined;

  /** @param udpDescriptor Not set if it is not known. */
  constructor(
    udpDescriptor?: UdpDescriptor,
    queue: DatagramQueue = new DatagramQueue(),
  ) {
    this.udpDescriptor = udpDescriptor;
    this.queue = queue;
  }

  /** See `DatagramSocket.dropped`. */
  get dropped(): number {
    return this.queue.dropped + (this.udpDescriptor?.drops ?? 0);
  }

  /** See `DatagramSocket.receiveBuffer`. */
  get receiveBuffer(): number | undefined {
    return this.udpDescriptor?.receiveBuffer;
  }

  /** See `DatagramSocket.handTo`. */
  handTo(taker: DatagramTaker): void {
    this.queue.handTo(taker);
  }

  /** See `DatagramSocket.receive`. */
  receive(options?: WaitOptions): Promise<Datagram | undefined> {
    return this.queue.take(options);
  }
}

/** A datagram that waits until the system has room. */
export interface PostedDatagram {
  readonly payload: Uint8Array;
  readonly to: Endpoint;
  readonly posted: Posted;
}

/** A {@link QueuedSocket} that implements `DatagramSocket.send` by its `post`. */
export abstract class PostingSocket<P extends PostedDatagram>
  extends QueuedSocket {
  /** Datagrams that are not sent yet. */
  protected waiting: P[] = [];

  /** See `DatagramSocket.post`. */
  abstract post(payload: Uint8Array, to: Endpoint, posted: Posted): void;

  /** See `DatagramSocket.send`. */
  async send(
    payload: Uint8Array,
    to: Endpoint,
    { signal }: WaitOptions = {},
  ): Promise<void> {
    signal?.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const posted: Posted = (error) =>
      error === undefined ? resolve() : reject(error);
    this.post(payload, to, posted);
    const leave = signal && onAbort(signal, () => {
      this.waiting = this.waiting.filter((one) => one.posted !== posted);
      reject(signal.reason);
    });
    try {
      await promise;
    } finally {
      leave?.();
    }
  }

  /** Fails the datagrams that are not sent yet. */
  protected failWaiting(): void {
    for (const { posted } of this.waiting.splice(0)) posted(closedSocket());
  }
}

/** Returns the error of a closed socket. */
export function closedSocket(): TransportError {
  return new TransportError("ERR_NET_CLOSED", "Socket is closed");
}
