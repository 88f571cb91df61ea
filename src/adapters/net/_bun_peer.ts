/**
 * What one Bun socket needs to be read and written one step at a time.
 *
 * Bun hands over all that has come, up to 512 KiB, asked for or not. So a socket
 * is paused from the moment that much comes, and its descriptor is read here, in
 * pieces of our choice; once it is empty, Bun is to tell when there is more.
 *
 * @module
 */
import { readSync } from "node:fs";
import { BufferPool } from "../../buffer_pool.ts";
import { TransportError } from "../../errors.ts";
import { LONG_READ, MAX_READ_BUFFER, MIN_READ_BUFFER } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";
import type { BunHandlers, BunSocket } from "./_bun_types.ts";
import { othersTurn } from "./_bun_turns.ts";
import type { ReadyOwner, ReadySocket } from "./_connection.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { longestRead } from "./_read_size.ts";
import { plainAddress } from "./_resolve.ts";

/** Big buffers of what is read and written. */
export const BUFFERS: BufferPool = new BufferPool();

/** State of a socket, kept in its `data`. */
export class BunPeer implements ReadySocket {
  owner: ReadyOwner | undefined;
  readonly remote: Endpoint;
  readonly #socket: BunSocket<BunPeer>;
  /** Bytes that came while no read waited. */
  readonly #unread: Uint8Array[] = [];
  #paused = false;
  /** True if the descriptor may hold more than was read of it. */
  #hasMore = false;
  /** Bytes of the next read, at most; grows as on Deno. */
  #readSize = MIN_READ_BUFFER;
  #ended = false;
  #gone = false;
  #isCut = false;
  #failure: Error | undefined;
  #isTurning = false;
  /** True once others had their turn: the next read waits for no other one. */
  #hasWaited = false;

  /**
   * @param socket Open; its addresses are gone once it is closed.
   * @param remote The peer's address.
   */
  constructor(socket: BunSocket<BunPeer>, remote: Endpoint) {
    this.#socket = socket;
    this.remote = remote;
  }

  /** Asked of the system each time: few want to know. */
  get local(): Endpoint {
    return toEndpoint(this.#socket.localAddress, this.#socket.localPort);
  }

  tryRead(): Uint8Array | "end" | undefined {
    const chunk = this.#unread.shift();
    if (chunk !== undefined) return this.#part(chunk);
    if (this.#failure !== undefined) {
      throw toTransportError(this.#failure, "read");
    }
    if (this.#ended) return "end";
    if (this.#hasMore) return this.#readMore();
    this.#resume();
    return undefined;
  }

  /** Lets Bun deliver data from now on. */
  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Reads what is there; others have their turn, too. */
  #readMore(): Uint8Array | "end" | undefined {
    const turn = this.#hasWaited ? undefined : othersTurn();
    this.#hasWaited = false;
    if (turn !== undefined) {
      this.#goOnAfter(turn);
      return undefined;
    }
    const buffer = BUFFERS.take(Math.min(this.#readSize, longestRead()));
    const count = this.#readInto(buffer);
    this.#hasMore = count === buffer.length;
    if (this.#hasMore) this.#grow();
    const chunk = BUFFERS.shorten(buffer, count);
    return count > 0 ? chunk : this.tryRead();
  }

  #goOnAfter(turn: Promise<void>): void {
    if (this.#isTurning) return;
    this.#isTurning = true;
    const goOn = (): void => {
      this.#isTurning = false;
      // A busy connection may have used up this turn already.
      this.#hasWaited = true;
      this.owner?.ready();
    };
    turn.then(goOn, goOn);
  }

  /**
   * What has come, or a copy of a part of it, if it is among the first bytes, of
   * which handshakes keep some: the rest is for the next read.
   */
  #part(chunk: Uint8Array): Uint8Array {
    const size = this.#readSize;
    if (chunk.length < size || size > LONG_READ) return chunk;
    this.#grow();
    if (chunk.length === size) return chunk;
    this.#unread.unshift(chunk.subarray(size));
    return chunk.slice(0, size);
  }

  #grow(): void {
    this.#readSize = Math.min(4 * this.#readSize, MAX_READ_BUFFER);
  }

  /** @returns 0 at the end as well, of which Bun will tell. */
  #readInto(buffer: Uint8Array): number {
    try {
      return readSync(this.#socket.fd, buffer, 0, buffer.length, null);
    } catch (error) {
      // The system reports a failure once, so that Bun will not hear of it.
      const { code } = error as { code?: unknown };
      if (code !== "EAGAIN") this.#failure = error as Error;
      return 0;
    }
  }

  tryWrite(chunk: Uint8Array): number {
    const taken = this.#gone ? -1 : this.#socket.write(chunk);
    if (taken < 0) throw this.#failure ?? resetError();
    return taken;
  }

  recycle(chunk: Uint8Array): void {
    BUFFERS.give(chunk);
  }

  shutdown(): undefined {
    if (!this.#gone) this.#socket.shutdown();
  }

  close(): void {
    if (this.#isCut) this.terminate();
    else if (!this.#gone) this.#socket.end();
    this.closed(CLOSED);
  }

  cutOnClose(): void {
    this.#isCut = true;
  }

  /** Resets a connection that was never handed out. */
  terminate(): void {
    if (!this.#gone) this.#socket.terminate();
  }

  /** Bytes came, asked for or not. */
  received(chunk: Uint8Array): void {
    this.#unread.push(chunk);
    this.#hasMore = chunk.length >= LONG_READ;
    if (this.#hasMore) this.#pause();
    this.owner?.ready();
    // A few bytes that come before they are asked for may wait: to pause and to
    // resume costs five calls of the system.
    if (this.#unread.length > 1) this.#pause();
  }

  #pause(): void {
    if (this.#paused || this.#gone) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** The system takes bytes again; sometimes said without cause. */
  drained(): void {
    this.owner?.ready();
  }

  /** The peer's FIN came. */
  finished(): void {
    this.#ended = true;
    this.owner?.ready();
  }

  /**
   * The descriptor is gone: both sides have ended (after our FIN Bun announces
   * the peer's in no other way), or there was an error.
   */
  closed(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    if (error !== undefined && !this.#ended) this.#failure = error;
    else this.#ended = true;
    this.owner?.ready();
  }
}

/** For every socket that is a {@link BunPeer} since it was opened. */
export const BUN_HANDLERS: Omit<BunHandlers<BunPeer>, "open"> = {
  binaryType: "uint8array",
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  // Only a callback of ours that throws could get here.
  error: (socket, error) => {
    socket.data.terminate();
    socket.data.closed(error);
  },
  // The promise of the dial reports the same.
  connectError: () => {},
};

/** An address in Bun's form. */
export function toEndpoint(host: string | undefined, port: number): Endpoint {
  return { host: plainAddress(host ?? ""), port };
}

function resetError(): TransportError {
  return new TransportError("ERR_NET_RESET", "Connection reset by peer");
}
