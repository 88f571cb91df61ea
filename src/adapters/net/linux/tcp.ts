/**
 * One TCP connection over calls of Linux.
 *
 * @module
 */
import { BufferPool } from "../../../buffer_pool.ts";
import { MAX_COPIED_READ, MAX_READ_BUFFER } from "../../../limits.ts";
import type { Endpoint } from "../../../transport.ts";
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
  EINTR,
  ENOTCONN,
  errno,
  failure,
  MSG_NOSIGNAL,
  setOption,
  SHUT_WR,
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

/** Prepares a socket to be dialled, or to listen: what is accepted inherits. */
export function prepareTcp(descriptor: number): void {
  // Nagle's algorithm would hold small chunks back.
  setOption(descriptor, TCP_NODELAY, 1);
  // What is open while the process dies was cut, and is not to look ended.
  setLinger(descriptor, RESET);
}

/** See the module. */
export class LinuxSocket implements ReadySocket, Watcher {
  owner: ReadyOwner | undefined;
  readonly remote: Endpoint;
  readonly #descriptor: number;
  readonly #loop: Loop;
  #isReadable = false;
  #isWritable = true;
  /** Also after what is readable now there is something to read: the end. */
  #isOver = false;
  #isEnded = false;
  #isClosed = false;
  #isCut = false;
  /** A reset is told once by the system, and then looks like an end. */
  #failure: Error | undefined;
  #isPostponed = false;

  /**
   * @param descriptor Connected; owned from now on.
   * @param loop Already watches it, or will.
   */
  constructor(descriptor: number, remote: Endpoint, loop: Loop) {
    this.#descriptor = descriptor;
    this.remote = remote;
    this.#loop = loop;
  }

  /** Asked of the system each time: few want to know. */
  get local(): Endpoint {
    return this.#isClosed ? NOWHERE : boundTo(this.#descriptor);
  }

  ready(events: number): void {
    if (this.#isClosed) return;
    if (events === 0) this.#isPostponed = false;
    if (events & (READABLE | OVER)) this.#isReadable = true;
    if (events & OVER) this.#isOver = true;
    if (events & (WRITABLE | HUNG_UP | FAILED)) this.#isWritable = true;
    this.owner?.ready();
  }

  tryRead(): Uint8Array | "end" | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#isEnded) return "end";
    if (!this.#isReadable) return undefined;
    if (this.#loop.budget > 0) return this.#receive();
    this.#postpone();
    return undefined;
  }

  /** Others have their turn. */
  #postpone(): void {
    if (this.#isPostponed) return;
    this.#isPostponed = true;
    this.#loop.postpone(this);
  }

  tryWrite(chunk: Uint8Array): number {
    let written = 0;
    while (this.#isWritable && written < chunk.length) {
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
    return written;
  }

  recycle(chunk: Uint8Array): void {
    BUFFERS.give(chunk);
  }

  shutdown(): void {
    if (c.shutdown(this.#descriptor, SHUT_WR) === 0) return;
    const number = errno();
    // The peer has reset it; whoever reads hears of that.
    if (number !== ENOTCONN) throw failure(number, "end the stream");
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#loop.forget(this.#descriptor);
    if (!this.#isCut) setLinger(this.#descriptor, FLUSH);
    c.close(this.#descriptor);
  }

  cutOnClose(): void {
    this.#isCut = true;
  }

  #receive(): Uint8Array | "end" | undefined {
    const buffer = room ??= BUFFERS.take(MAX_READ_BUFFER);
    const size = longestRead();
    for (;;) {
      const count = c.recv(this.#descriptor, buffer, size, 0);
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
    // Less than there was room for is all there is: more is another event.
    if (count < size) this.#isReadable = this.#isOver;
    if (count <= MAX_COPIED_READ) return buffer.slice(0, count);
    room = undefined;
    return buffer.subarray(0, count);
  }
}

const NOWHERE: Endpoint = { host: "", port: 0 };

/** What becomes of a connection when it is closed: a `struct linger`. */
function setLinger(descriptor: number, linger: Uint8Array): void {
  c.setsockopt(descriptor, SOL_SOCKET, SO_LINGER, linger, linger.length);
}

/** Off: what was written is delivered, then FIN. */
const FLUSH = new Uint8Array(Int32Array.of(0, 0).buffer);

/** On, for 0 seconds: RST. */
const RESET = new Uint8Array(Int32Array.of(1, 0).buffer);
