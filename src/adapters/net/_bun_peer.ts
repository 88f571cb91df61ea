/**
 * Reads and writes a Bun socket one step at a time.
 *
 * Bun delivers all data that has arrived, up to 512 KiB, without being asked.
 * So the socket is paused when that much arrives, and its descriptor is read
 * here in pieces of a chosen size. When the descriptor is empty, Bun is resumed
 * and reports new data.
 *
 * @module
 */
import { readSync } from "node:fs";
import { BufferPool } from "../../buffer_pool.ts";
import { TransportError } from "../../errors.ts";
import { LONG_READ, MAX_READ_BUFFER, MIN_READ_BUFFER } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";
import type { BunHandlers, BunSocket } from "./_bun_types.ts";
import { turnsOf } from "./_turns.ts";
import type { ReadyOwner, ReadySocket } from "./_connection.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { longestRead } from "./_read_size.ts";
import { plainAddress } from "./_resolve.ts";

/** The turns of busy connections: 5 ms. */
const othersTurn = turnsOf(5, 1);

/** Large buffers for reads and writes. */
export const BUFFERS: BufferPool = new BufferPool();

/** The state of a socket, kept in its `data`. */
export class BunPeer implements ReadySocket {
  owner: ReadyOwner | undefined;
  readonly remote: Endpoint;
  readonly #socket: BunSocket<BunPeer>;
  /** Bytes that arrived while no read waited. */
  readonly #unread: Uint8Array[] = [];
  #paused = false;
  /** True if the descriptor may contain more data than was read. */
  #hasMore = false;
  /** Maximum length of the next read in bytes; it grows as on Deno. */
  #readSize = MIN_READ_BUFFER;
  #ended = false;
  #gone = false;
  #isCut = false;
  #failure: Error | undefined;
  #isTurning = false;
  /**
   * True if other connections had their turn, so that the next read need not
   * wait.
   */
  #hasWaited = false;

  /**
   * @param socket An open socket; its addresses are lost when it is closed.
   * @param remote The address of the peer.
   */
  constructor(socket: BunSocket<BunPeer>, remote: Endpoint) {
    this.#socket = socket;
    this.remote = remote;
  }

  /**
   * The local address. It is requested from the system each time, because few
   * callers need it.
   */
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

  /** Lets Bun deliver data again. */
  #resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    this.#socket.resume();
  }

  /** Reads available data, and gives other connections their turn. */
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
   * Returns the bytes that arrived. Among the first bytes of a connection it
   * returns a copy of a part, because handshakes keep some of them; the rest is
   * for the next read.
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

  /** @returns The number of bytes; 0 also at the end, which Bun will report. */
  #readInto(buffer: Uint8Array): number {
    try {
      return readSync(this.#socket.fd, buffer, 0, buffer.length, null);
    } catch (error) {
      // The system reports a failure once, so Bun will not report it.
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

  /** Resets a connection that no caller has received. */
  terminate(): void {
    if (!this.#gone) this.#socket.terminate();
  }

  /** Accepts bytes that Bun delivers. */
  received(chunk: Uint8Array): void {
    this.#unread.push(chunk);
    this.#hasMore = chunk.length >= LONG_READ;
    if (this.#hasMore) this.#pause();
    this.owner?.ready();
    // A few early bytes may wait: pausing and resuming would cost five system
    // calls.
    if (this.#unread.length > 1) this.#pause();
  }

  #pause(): void {
    if (this.#paused || this.#gone) return;
    this.#paused = true;
    this.#socket.pause();
  }

  /** Continues a write. Bun also calls this without need. */
  drained(): void {
    this.owner?.ready();
  }

  /** Records the FIN of the peer. */
  finished(): void {
    this.#ended = true;
    this.owner?.ready();
  }

  /**
   * Ends both directions, because the descriptor is closed. Both sides have
   * ended, or there was an error. After the local FIN Bun reports the FIN of
   * the peer only by this call.
   */
  closed(error?: Error): void {
    if (this.#gone) return;
    this.#gone = true;
    if (error !== undefined && !this.#ended) this.#failure = error;
    else this.#ended = true;
    this.owner?.ready();
  }
}

/**
 * The handlers of every socket that has been a {@link BunPeer} since it was
 * opened.
 */
export const BUN_HANDLERS: Omit<BunHandlers<BunPeer>, "open"> = {
  binaryType: "uint8array",
  data: (socket, chunk) => socket.data.received(chunk),
  drain: (socket) => socket.data.drained(),
  end: (socket) => socket.data.finished(),
  close: (socket, error) => socket.data.closed(error),
  // Only an exception of Umbra's own handlers arrives here.
  error: (socket, error) => {
    socket.data.terminate();
    socket.data.closed(error);
  },
  // The promise of the dial reports the same error.
  connectError: () => {},
};

/** Returns an endpoint for an address of Bun. */
export function toEndpoint(host: string | undefined, port: number): Endpoint {
  return { host: plainAddress(host ?? ""), port };
}

function resetError(): TransportError {
  return new TransportError("ERR_NET_RESET", "Connection reset by peer");
}
