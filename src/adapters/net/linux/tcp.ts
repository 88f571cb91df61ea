/**
 * One TCP connection over calls of Linux.
 *
 * @module
 */
import { BufferPool } from "../../../buffer_pool.ts";
import {
  FAST_OPEN_WAIT_MS,
  MAX_COPIED_READ,
  MAX_READ_BUFFER,
} from "../../../limits.ts";
import type { Endpoint } from "../../../transport.ts";
import { type Socket, SocketConnection } from "../_connection.ts";
import { CLOSED } from "../_errors.ts";
import { countWaiting, longestRead } from "../_read_size.ts";
import { boundTo } from "./addresses.ts";
import {
  EDGE,
  FAILED,
  HUNG_UP,
  PEER_ENDED,
  READABLE,
  WRITABLE,
} from "./epoll_event.ts";
import {
  c,
  checked,
  EAGAIN,
  EINPROGRESS,
  EINTR,
  ENOTCONN,
  errno,
  failure,
  getOption,
  MSG_NOSIGNAL,
  setOption,
  SHUT_WR,
  SO_ERROR,
  SO_LINGER,
  SOL_SOCKET,
  TCP_NODELAY,
} from "./libc.ts";
import type { Loop, Watcher } from "./loop.ts";

/** Big buffers of what is read and written. */
export const BUFFERS: BufferPool = new BufferPool();

/** What a connection wants to know, from its dial to its end. */
export const TCP_EVENTS: number = READABLE | WRITABLE | PEER_ENDED | EDGE;

const OVER: number = PEER_ENDED | HUNG_UP | FAILED;

/** Where all connections read, until one fills much of it and keeps it. */
let room: Uint8Array | undefined;

const NOTHING_YET = Symbol("nothing yet");

/** `undefined` after FIN. */
type Chunk = Uint8Array | undefined;

/** See the module. */
export class LinuxSocket implements Socket, Watcher {
  readonly remote: Endpoint;
  readonly #descriptor: number;
  readonly #loop: Loop;
  #isReadable = false;
  #isWritable = true;
  /** Also after what is readable now there is something to read: the end. */
  #isOver = false;
  #isEnded = false;
  #isClosed = false;
  /** A reset is told once by the system, and then looks like an end. */
  #failure: Error | undefined;
  #reader: PromiseWithResolvers<Chunk> | undefined;
  #writer: PromiseWithResolvers<void> | undefined;
  /** The first packet waits for bytes to take along (TCP fast open). */
  #isUnsent: boolean;
  #opening: Promise<number> | undefined;
  #openingLate: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param descriptor Connected; owned from now on.
   * @param loop Already watches it, or will.
   * @param state `isUnsent` is true if it will connect with its first bytes.
   */
  constructor(
    descriptor: number,
    remote: Endpoint,
    loop: Loop,
    { isUnsent = false }: { readonly isUnsent?: boolean } = {},
  ) {
    this.#isUnsent = isUnsent;
    this.#descriptor = descriptor;
    this.remote = remote;
    this.#loop = loop;
    // Nagle's algorithm would hold small chunks back.
    setOption(descriptor, TCP_NODELAY, 1);
  }

  /** Asked of the system each time: few want to know. */
  get local(): Endpoint {
    return this.#isClosed ? NOWHERE : boundTo(this.#descriptor);
  }

  ready(events: number): void {
    if (this.#isClosed) return;
    if (events & (READABLE | OVER)) this.#isReadable = true;
    if (events & OVER) this.#isOver = true;
    if (events & (WRITABLE | HUNG_UP | FAILED)) this.#isWritable = true;
    if (this.#isWritable) this.#wakeWriter();
    if (this.#isReadable && this.#reader !== undefined) this.#continue();
  }

  read(): Promise<Chunk> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    if (this.#isEnded) return Promise.resolve(undefined);
    if (this.#isReadable) {
      if (this.#loop.budget > 0) {
        try {
          const chunk = this.#receive();
          if (chunk !== NOTHING_YET) return Promise.resolve(chunk);
        } catch (error) {
          return Promise.reject(error);
        }
      } else this.#loop.postpone(this);
    }
    if (this.#isUnsent) this.#openLate();
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  async write(chunk: Uint8Array): Promise<void> {
    let written = this.#isUnsent ? await this.#open(chunk) : 0;
    if (this.#opening !== undefined) await this.#opening;
    while (written < chunk.length) {
      if (!this.#isWritable) await this.#room(chunk.length);
      const rest = written === 0 ? chunk : chunk.subarray(written);
      const sent = c.send(this.#descriptor, rest, rest.length, MSG_NOSIGNAL);
      if (sent >= 0) {
        written += sent;
        continue;
      }
      const number = errno();
      if (number === EAGAIN) this.#isWritable = false;
      else if (number !== EINTR) throw failure(number, "write");
    }
  }

  /** Connects with the first bytes. @returns How many the system took. */
  #open(first: Uint8Array): Promise<number> {
    this.#isUnsent = false;
    clearTimeout(this.#openingLate);
    return this.#opening = this.#connect(first);
  }

  /** Connects without any, when there are none soon: the peer speaks first. */
  #openLate(): void {
    this.#openingLate ??= setTimeout(() => {
      this.#open(NO_BYTES).catch(() => {
        // Whoever reads or writes hears of it.
      });
    }, FAST_OPEN_WAIT_MS);
  }

  async #connect(first: Uint8Array): Promise<number> {
    this.#isWritable = false;
    const sent = c.send(this.#descriptor, first, first.length, MSG_NOSIGNAL);
    if (sent < 0) {
      const number = errno();
      if (number !== EINPROGRESS && number !== EAGAIN) {
        throw this.#failure = failure(number, CONNECT);
      }
    }
    await this.#room(first.length);
    const number = getOption(this.#descriptor, SO_ERROR);
    if (number !== 0) this.#failure ??= failure(number, CONNECT);
    if (this.#failure !== undefined) throw this.#failure;
    return Math.max(0, sent);
  }

  /** @param bytes How many wait meanwhile. */
  async #room(bytes: number): Promise<void> {
    this.#writer = Promise.withResolvers();
    countWaiting(bytes);
    await this.#writer.promise;
    countWaiting(-bytes);
    if (this.#isClosed) throw CLOSED;
  }

  recycle(chunk: Uint8Array): void {
    BUFFERS.give(chunk);
  }

  async shutdown(): Promise<void> {
    // The system would take it for the end of both directions.
    if (this.#isUnsent) await this.#open(NO_BYTES);
    else if (this.#opening !== undefined) await this.#opening;
    if (c.shutdown(this.#descriptor, SHUT_WR) === 0) return;
    const number = errno();
    // The peer has reset it; whoever reads hears of that.
    if (number !== ENOTCONN) throw failure(number, "end the stream");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#openingLate);
    this.#loop.forget(this.#descriptor);
    c.close(this.#descriptor);
    this.#reader?.reject(CLOSED);
    this.#reader = undefined;
    this.#wakeWriter();
  }

  /** Makes the next close a reset. */
  cutOnClose(): void {
    if (this.#isClosed) return;
    checked(
      c.setsockopt(this.#descriptor, SOL_SOCKET, SO_LINGER, NO_LINGER, 8),
      "reset a connection",
    );
  }

  /** Serves the read that waits. */
  #continue(): void {
    if (this.#loop.budget <= 0) return this.#loop.postpone(this);
    const reader = this.#reader!;
    try {
      const chunk = this.#receive();
      if (chunk === NOTHING_YET) return;
      this.#reader = undefined;
      reader.resolve(chunk);
    } catch (error) {
      this.#reader = undefined;
      reader.reject(error);
    }
  }

  #receive(): Chunk | typeof NOTHING_YET {
    const buffer = room ??= BUFFERS.take(MAX_READ_BUFFER);
    const size = longestRead();
    for (;;) {
      const count = c.recv(this.#descriptor, buffer, size, 0);
      if (count > 0) return this.#received(buffer, count, size);
      if (count === 0) {
        this.#isEnded = true;
        return undefined;
      }
      const number = errno();
      if (number === EAGAIN) {
        this.#isReadable = false;
        return NOTHING_YET;
      }
      if (number !== EINTR) {
        throw this.#failure = failure(number, "read");
      }
    }
  }

  #received(buffer: Uint8Array, count: number, size: number): Uint8Array {
    this.#loop.budget -= count;
    // Less than there was room for is all there is: more is another event.
    if (count < size) this.#isReadable = this.#isOver;
    if (count <= MAX_COPIED_READ) return buffer.slice(0, count);
    room = undefined;
    return buffer.subarray(0, count);
  }

  #wakeWriter(): void {
    this.#writer?.resolve();
    this.#writer = undefined;
  }
}

/** A connection that can be ended by a reset. */
export class LinuxConnection extends SocketConnection {
  readonly #socket: LinuxSocket;

  /** Owns the socket. */
  constructor(socket: LinuxSocket) {
    super(socket);
    this.#socket = socket;
  }

  /** Ends it all: the peer sees that it was cut. Idempotent. */
  reset(): void {
    this.#socket.cutOnClose();
    this.close();
  }
}

const CONNECT = "connect";

/** Bun has no address for an empty array: of this one no byte is sent. */
const NO_BYTES: Uint8Array = new Uint8Array(1).subarray(0, 0);

const NOWHERE: Endpoint = { host: "", port: 0 };

/** `struct linger`: on, for 0 seconds. */
const NO_LINGER = new Uint8Array(Int32Array.of(1, 0).buffer);
