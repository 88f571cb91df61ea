/**
 * A TCP connection with Linux system calls.
 *
 * @module
 */
import { BufferPool } from "../../../buffer_pool.ts";
import {
  FAST_OPEN_WAIT_MS,
  MAX_COPIED_READ,
  MAX_DISCARDS,
  MAX_READ_BUFFER,
} from "../../../limits.ts";
import type { Endpoint } from "../../../transport.ts";
import { toUsize } from "../../crypto/_library.ts";
import type { ReadyOwner, ReadySocket } from "../_connection.ts";
import { longestRead } from "../_read_size.ts";
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
  TCP_INFO,
  TCP_NODELAY,
  TCP_SYN_SENT,
} from "./libc.ts";
import type { Loop, Watcher } from "./loop.ts";

/** Large buffers for reads and writes. */
export const BUFFERS: BufferPool = new BufferPool();

/** The events of a connection, from its dial to its end. */
export const TCP_EVENTS: number = READABLE | WRITABLE | PEER_ENDED | EDGE;

const OVER: number = PEER_ENDED | HUNG_UP | FAILED;

/**
 * The buffer into which all connections read. A connection whose read fills
 * much of it keeps it, and another buffer takes its place.
 */
let room: Uint8Array | undefined;

/**
 * Prepares a socket to connect or to listen; accepted sockets inherit the
 * options.
 */
export function prepareTcp(descriptor: number): void {
  // Nagle's algorithm would delay small chunks.
  setOption(descriptor, TCP_NODELAY, 1);
  // A connection that is open when the process dies must be reset, so that it
  // does not look like a regular end.
  setLinger(descriptor, RESET);
}

export class LinuxSocket implements ReadySocket, Watcher {
  owner: ReadyOwner | undefined;
  readonly remote: Endpoint;
  readonly #descriptor: number;
  readonly #loop: Loop;
  #isReadable = false;
  #isWritable = true;
  /** True if the end follows after the readable bytes. */
  #isOver = false;
  #isEnded = false;
  #isClosed = false;
  #isCut = false;
  /**
   * The reset of the peer. The system reports it once, and later reads look
   * like an end.
   */
  #failure: Error | undefined;
  #isPostponed = false;
  /** Set while the socket connects with its first bytes (TCP fast open). */
  #opening: Opening | undefined;

  /**
   * @param descriptor A connected socket; the connection owns it.
   * @param loop The loop that watches the descriptor, or will.
   */
  constructor(descriptor: number, remote: Endpoint, loop: Loop) {
    this.#descriptor = descriptor;
    this.remote = remote;
    this.#loop = loop;
  }

  /** Starts a connection that the first bytes will open. */
  openWithBytes(): void {
    this.#opening = {
      isUnsent: true,
      taken: 0,
      timer: undefined,
      done: Promise.withResolvers(),
    };
  }

  /**
   * The local address. It is requested from the system each time, because few
   * callers need it.
   */
  get local(): Endpoint {
    return this.#isClosed ? NOWHERE : boundTo(this.#descriptor);
  }

  ready(events: number): void {
    if (this.#isClosed) return;
    if (events === 0) this.#isPostponed = false;
    if (events & (READABLE | OVER)) this.#isReadable = true;
    if (events & OVER) this.#isOver = true;
    if (events & (WRITABLE | HUNG_UP | FAILED)) this.#becomeWritable();
    this.owner?.ready();
  }

  tryRead(): Uint8Array | "end" | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isEnded) return "end";
    if (!this.#isReadable) {
      if (this.#opening?.isUnsent) this.#openLate(this.#opening);
      return undefined;
    }
    if (this.#loop.budget > 0) return this.#receive();
    this.#postpone();
    return undefined;
  }

  /** Gives other connections their turn. */
  #postpone(): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    this.#loop.postpone(this);
  }

  tryWrite(chunk: Uint8Array): number {
    let written = 0;
    if (this.#opening !== undefined) {
      if (this.#opening.isUnsent) this.#open(this.#opening, chunk);
      if (!this.#isWritable) return 0;
      written = this.#opened(this.#opening);
    }
    while (this.#isWritable && written < chunk.length) {
      const rest = written === 0 ? chunk : chunk.subarray(written);
      const sent = c.send(
        this.#descriptor,
        rest,
        toUsize(rest.length),
        MSG_NOSIGNAL,
      );
      if (sent >= 0) {
        written += sent;
        continue;
      }
      const number = errno();
      if (number === EAGAIN) this.#isWritable = false;
      else if (number !== EINTR) throw failure(number, "write");
    }
    return written;
  }

  #becomeWritable(): void {
    if (this.#opening !== undefined && !this.#opening.isUnsent) {
      // The event may be from before the first bytes.
      const state = getOption(this.#descriptor, TCP_INFO) & 0xff;
      if (state === TCP_SYN_SENT) return;
      this.#opening.done.resolve();
    }
    this.#isWritable = true;
  }

  /**
   * Connects with the first bytes. They count as accepted when the peer has
   * answered: before that, the system would treat a FIN as the end of the whole
   * attempt.
   */
  #open(opening: Opening, first: Uint8Array): void {
    clearTimeout(opening.timer);
    opening.isUnsent = false;
    this.#isWritable = false;
    const sent = c.send(
      this.#descriptor,
      first,
      toUsize(first.length),
      MSG_NOSIGNAL,
    );
    opening.taken = Math.max(0, sent);
    if (sent >= 0) return;
    const number = errno();
    if (number !== EINPROGRESS && number !== EAGAIN) {
      throw this.#failure = failure(number, "connect");
    }
  }

  /**
   * Connects without bytes if none are written soon, because the peer may speak
   * first.
   */
  #openLate(opening: Opening): void {
    opening.timer ??= setTimeout(() => {
      try {
        this.#open(opening, NO_BYTES);
      } catch {
        // The reader gets the error.
        this.owner?.ready();
      }
    }, FAST_OPEN_WAIT_MS);
  }

  /**
   * Ends the opening after the peer has answered. @returns The number of bytes
   * that were sent before.
   */
  #opened({ taken }: Opening): number {
    const number = getOption(this.#descriptor, SO_ERROR);
    if (number !== 0) this.#failure ??= failure(number, "connect");
    if (this.#failure !== undefined) throw this.#failure;
    this.#opening = undefined;
    return taken;
  }

  recycle(chunk: Uint8Array): void {
    BUFFERS.give(chunk);
  }

  shutdown(): Promise<void> | undefined {
    if (this.#opening === undefined) return this.#end();
    if (this.#opening.isUnsent) this.#open(this.#opening, NO_BYTES);
    return this.#opening.done.promise.then(() => {
      if (!this.#isClosed) this.#end();
    });
  }

  #end(): undefined {
    if (c.shutdown(this.#descriptor, SHUT_WR) === 0) return;
    const number = errno();
    // The peer has reset the connection; the reader gets the error.
    if (number !== ENOTCONN) throw failure(number, "end the stream");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearTimeout(this.#opening?.timer);
    this.#opening?.done.resolve();
    this.#loop.forget(this.#descriptor);
    if (!this.#isCut) {
      if (!this.#isEnded) this.#discard();
      setLinger(this.#descriptor, FLUSH);
    }
    c.close(this.#descriptor);
  }

  cutOnClose(): void {
    this.#isCut = true;
  }

  /**
   * Reads and discards unread bytes: with unread bytes the kernel would send a
   * reset instead of FIN, and a stranger could observe how busy the server is.
   */
  #discard(): void {
    const buffer = room ??= BUFFERS.take(MAX_READ_BUFFER);
    const size = toUsize(buffer.length);
    for (let i = 0; i < MAX_DISCARDS; i++) {
      if (c.recv(this.#descriptor, buffer, size, 0) <= 0) return;
    }
  }

  #receive(): Uint8Array | "end" | undefined {
    const buffer = room ??= BUFFERS.take(MAX_READ_BUFFER);
    const size = longestRead();
    for (;;) {
      const count = c.recv(this.#descriptor, buffer, toUsize(size), 0);
      if (count > 0) return this.#received(buffer, count, size);
      if (count === 0) {
        this.#isEnded = true;
        return "end";
      }
      const number = errno();
      if (number === EAGAIN) {
        this.#isReadable = false;
        return undefined;
      }
      if (number !== EINTR) {
        throw this.#failure = failure(number, "read");
      }
    }
  }

  #received(buffer: Uint8Array, count: number, size: number): Uint8Array {
    this.#loop.budget -= count;
    // A read that does not fill the buffer has emptied the socket; new data is
    // a new event.
    if (count < size) this.#isReadable = this.#isOver;
    if (count <= MAX_COPIED_READ) return buffer.slice(0, count);
    room = undefined;
    return buffer.subarray(0, count);
  }
}

/** A connection that is opened with its first bytes. */
interface Opening {
  /** True until bytes or a plain connect were sent. */
  isUnsent: boolean;
  /** Number of bytes in the first packet. */
  taken: number;
  /** The timer that connects without bytes. */
  timer: ReturnType<typeof setTimeout> | undefined;
  /** Resolves when the peer has answered or the socket was closed. */
  readonly done: PromiseWithResolvers<void>;
}

/** An empty view of a longer array: Bun gives no address for an empty array. */
const NO_BYTES: Uint8Array = new Uint8Array(1).subarray(0, 0);

const NOWHERE: Endpoint = { host: "", port: 0 };

/** Sets the effect of close with a `struct linger`. */
function setLinger(descriptor: number, linger: Uint8Array): void {
  c.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, linger.length);
}

/** Close delivers written data, then FIN. */
const FLUSH = new Uint8Array(Int32Array.of(0, 0).buffer);

/** Close resets at once. */
const RESET = new Uint8Array(Int32Array.of(1, 0).buffer);
