/**
 * What one Bun socket needs to be read and written one step at a time.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import { MAX_READ_BUFFER } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";
import type { BunHandlers, BunSocket } from "./_bun_types.ts";
import type { Socket } from "./_connection.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { plainAddress } from "./_resolve.ts";

/** State of a socket, kept in its `data`. */
export class BunPeer implements Socket {
  readonly remote: Endpoint;
  readonly #socket: BunSocket<BunPeer>;
  readonly #unread: Uint8Array[] = [];
  #unreadBytes = 0;
  /** Unread bytes at which the socket is paused; one chunk may exceed it. */
  #maxUnread = 0;
  #paused = false;
  #ended = false;
  #gone = false;
  #failure: Error | undefined;
  /** Settles the read that waits. */
  #reader: ((chunk: Chunk | Promise<never>) => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  /** @param socket Open; its addresses are gone once it is closed. */
  constructor(socket: BunSocket<BunPeer>) {
    this.#socket = socket;
    this.remote = toEndpoint(socket.remoteAddress, socket.remotePort);
  }

  /** Asked of the system each time: few want to know. */
  get local(): Endpoint {
    return toEndpoint(this.#socket.localAddress, this.#socket.localPort);
  }

  /** Lets it read ahead: until now it holds one chunk at most. */
  accepted(): void {
    this.#maxUnread = MAX_READ_BUFFER;
  }

  read(): Promise<Chunk> {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) {
      this.#unreadBytes -= chunk.length;
      return Promise.resolve(chunk);
    }
    if (this.#failure !== undefined) return failedRead(this.#failure);
    if (this.#ended) return Promise.resolve(undefined);
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
    return new Promise((resolve) => this.#reader = resolve);
  }

  async write(chunk: Uint8Array): Promise<void> {
    let written = 0;
    while (written < chunk.length) {
      const taken = this.#gone ? -1 : this.#socket.write(rest(chunk, written));
      if (taken < 0) throw this.#failure ?? resetError();
      written += taken;
      if (written === chunk.length) return;
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
    }
  }

  shutdown(): void {
    if (!this.#gone) this.#socket.shutdown();
  }

  close(): void {
    if (!this.#gone) this.#socket.end();
    this.closed(CLOSED);
  }

  /** Resets a connection nobody has got. */
  terminate(): void {
    if (!this.#gone) this.#socket.terminate();
  }

  /** Bytes came, asked for or not. */
  received(chunk: Uint8Array): void {
    if (this.#reader !== undefined) return this.#settle(chunk);
    this.#unread.push(chunk);
    this.#unreadBytes += chunk.length;
    if (this.#unreadBytes >= this.#maxUnread && !this.#paused) {
      this.#paused = true;
      this.#socket.pause();
    }
  }

  /** The system takes bytes again; sometimes said without cause. */
  drained(): void {
    this.#wakeWriter?.();
  }

  /** The peer's FIN came. */
  finished(): void {
    this.#ended = true;
    this.#settle(undefined);
  }

  /**
   * The descriptor is gone: both sides have ended (after our FIN Bun announces
   * the peer's in no other way), or there was an error.
   */
  closed(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    if (error !== undefined && !this.#ended) {
      this.#failure = error;
      if (this.#reader !== undefined) this.#settle(failedRead(error));
    } else this.finished();
    this.#wakeWriter?.();
  }

  #settle(chunk: Chunk | Promise<never>): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.(chunk);
  }
}

/** `undefined` at the end. */
type Chunk = Uint8Array | undefined;

function failedRead(error: Error): Promise<never> {
  return Promise.reject(toTransportError(error, "read"));
}

/** For every socket; `open` is that of a dial. */
export const BUN_HANDLERS: BunHandlers<BunPeer> = {
  binaryType: "uint8array",
  open: (socket) => {
    socket.data = new BunPeer(socket);
  },
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  // Only a callback of ours that throws could get here.
  error: (socket, error) => {
    socket.data.terminate();
    socket.data.closed(error);
  },
  // The promise of the dial tells the same.
  connectError: () => {},
};

function toEndpoint(host: string | undefined, port: number): Endpoint {
  return { host: plainAddress(host ?? ""), port };
}

function rest(chunk: Uint8Array, offset: number): Uint8Array {
  return offset === 0 ? chunk : chunk.subarray(offset);
}

function resetError(): TransportError {
  return new TransportError("ERR_NET_RESET", "Connection reset by peer");
}
