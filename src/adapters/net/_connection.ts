/**
 * Turns sockets into Web Streams, in one place, so that half-close, cancel,
 * abort and close mean the same in every adapter.
 *
 * @module
 */
import type { Connection, Endpoint } from "../../transport.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { countWaiting } from "./_read_size.ts";

/** The part that every adapter provides. Errors may be those of the runtime. */
interface Socket {
  /** The local address. */
  readonly local: Endpoint;
  /** The address of the peer. */
  readonly remote: Endpoint;
  /** Takes back the memory of a read. */
  recycle?(chunk: Uint8Array): void;
  /**
   * Sends FIN. It is called at most once, and never during a write.
   *
   * @returns A promise that settles when FIN was sent; `undefined` if it was
   * sent at once.
   */
  shutdown(): Promise<void> | undefined;
  /** Frees the descriptor. It is called at most once. */
  close(): void;
}

/** A socket whose operations return promises. */
export interface AskedSocket extends Socket {
  /**
   * Reads bytes, which the caller may keep; `undefined` after FIN. Calls never
   * overlap, there are none after a close, and a close rejects the promise.
   *
   * @throws {TransportError} {@link CLOSED} if the socket is closed meanwhile.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Resolves when the system has accepted all of `chunk`. Calls never overlap,
   * and a close rejects the promise.
   */
  write(chunk: Uint8Array): Promise<void>;
}

/**
 * A socket whose operations return at once, and that calls back when to repeat
 * them.
 */
export interface ReadySocket extends Socket {
  /**
   * Called when an operation that had to wait may be repeated, but never within
   * a call of one.
   */
  owner: ReadyOwner | undefined;
  /** See `Connection.tryRead`; not called after a close. */
  tryRead(): Uint8Array | "end" | undefined;
  /** See `Connection.tryWrite`; not called after a close. */
  tryWrite(chunk: Uint8Array): number;
  /** Makes the following close a reset. */
  cutOnClose(): void;
}

/** See {@link ReadySocket.owner}. */
export interface ReadyOwner {
  /** Called when reads and writes may be repeated. */
  ready(): void;
}

let open = 0;

/** Number of open connections of this thread. */
export function openConnections(): number {
  return open;
}

/** A {@link Connection} with a socket of either kind. */
abstract class SocketConnection implements Connection {
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;
  #input: ReadableStreamDefaultController<Uint8Array> | undefined;
  #output: WritableStreamDefaultController | undefined;
  #cancelled = false;
  #writing: Promise<void> | undefined;
  #ending: Promise<void> | undefined;
  #ended = false;
  #closed = false;

  /** @param socket The socket; the connection owns it. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = socket.remote;
    open++;
  }

  /**
   * The stream is made at its first use: services use `read()` and `write()`.
   */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= new ReadableStream({
      start: (controller) => {
        this.#input = controller;
        if (this.#closed) controller.error(CLOSED);
      },
      pull: () => this.#pull(),
      cancel: () => {
        this.#cancelled = true;
      },
    }, { highWaterMark: 0 });
  }

  /** The stream is made at its first use. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream({
      start: (controller) => {
        this.#output = controller;
        if (this.#closed) return controller.error(CLOSED);
        // The sink's own abort() would wait for a write that may never end.
        controller.signal.addEventListener("abort", () => this.close());
      },
      write: (chunk) => this.write(chunk),
      close: () => this.closeWrite(),
    });
  }

  get local(): Endpoint {
    return this.#socket.local;
  }

  /** True if this side has closed the connection. */
  protected get isClosed(): boolean {
    return this.#closed;
  }

  recycle(chunk: Uint8Array): void {
    this.#socket.recycle?.(chunk);
  }

  abstract read(): Promise<Uint8Array | undefined>;

  /** Resolves when the system has accepted all of it. */
  protected abstract send(chunk: Uint8Array): Promise<void>;

  /** True if this side has ended its stream. */
  protected get hasEnded(): boolean {
    return this.#ended;
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writing = this.#write(chunk);
  }

  closeWrite(): Promise<void> {
    const mayWrite = this.#writable !== undefined ||
      this.#writing !== undefined;
    return this.#ending ??= mayWrite ? this.#end() : this.#shutdown();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    open--;
    this.#input?.error(CLOSED);
    // An abort fails the stream with its own reason afterwards.
    if (!this.#output?.signal.aborted) this.#output?.error(CLOSED);
    this.#socket.close();
  }

  async #pull(): Promise<void> {
    try {
      const chunk = await this.read();
      if (this.#cancelled) return;
      if (chunk === undefined) this.#input?.close();
      else this.#input?.enqueue(chunk);
    } catch (error) {
      this.#input?.error(error);
    }
  }

  /** Not an async function, to save a step for every write. */
  #write(chunk: Uint8Array): Promise<void> {
    if (this.#closed || this.#ended) return Promise.reject(CLOSED);
    return this.send(chunk).catch((error) => {
      throw this.#closed ? CLOSED : toTransportError(error, "write");
    });
  }

  async #end(): Promise<void> {
    // When a write settles, the stream starts its next queued write. All writes
    // must come before the FIN; a failure is reported to the writer.
    let last: Promise<void> | undefined;
    do {
      last = this.#writing;
      await Promise.allSettled([last]);
    } while (last !== this.#writing);
    await this.#shutdown();
  }

  /** Not an async function: most shutdowns are complete at return. */
  #shutdown(): Promise<void> {
    this.#ended = true;
    if (this.#closed) return DONE;
    const explain = (error: unknown): void => {
      if (!this.#closed) throw toTransportError(error, "end the stream");
    };
    try {
      return this.#socket.shutdown()?.catch(explain) ?? DONE;
    } catch (error) {
      return Promise.reject(toTransportError(error, "end the stream"));
    }
  }
}

/** One promise for all operations that are complete at once. */
const DONE: Promise<void> = Promise.resolve();

/** A {@link Connection} with an {@link AskedSocket}. */
export class AskedConnection extends SocketConnection {
  readonly #socket: AskedSocket;

  /** @param socket The socket; the connection owns it. */
  constructor(socket: AskedSocket) {
    super(socket);
    this.#socket = socket;
  }

  read(): Promise<Uint8Array | undefined> {
    // The promise is returned as it is: every idle connection keeps one in
    // memory.
    return this.isClosed ? Promise.reject(CLOSED) : this.#socket.read();
  }

  protected override send(chunk: Uint8Array): Promise<void> {
    return this.#socket.write(chunk);
  }
}

/**
 * A {@link Connection} with a {@link ReadySocket}. It reads and writes at once
 * or by promises, and can end with a reset.
 */
export class ReadyConnection extends SocketConnection implements ReadyOwner {
  onReady: (() => void) | undefined;
  readonly #socket: ReadySocket;
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #wakeWriter: (() => void) | undefined;
  /**
   * Length of the buffer of a write that the system has not fully accepted, in
   * bytes.
   */
  #waitingBytes = 0;

  /** @param socket The socket; the connection owns it. */
  constructor(socket: ReadySocket) {
    super(socket);
    this.#socket = socket;
    socket.owner = this;
  }

  tryRead(): Uint8Array | "end" | undefined {
    if (this.isClosed) throw CLOSED;
    return this.#socket.tryRead();
  }

  tryWrite(chunk: Uint8Array): number {
    if (this.isClosed || this.hasEnded) throw CLOSED;
    const taken = this.#tryWrite(chunk);
    // A partly accepted write keeps its whole buffer in memory.
    this.#wait(taken < chunk.length ? chunk.buffer.byteLength : 0);
    return taken;
  }

  read(): Promise<Uint8Array | undefined> {
    try {
      const chunk = this.tryRead();
      if (chunk !== undefined) return Promise.resolve(unlessEnd(chunk));
    } catch (error) {
      return Promise.reject(error);
    }
    this.#reader = Promise.withResolvers();
    return this.#reader.promise;
  }

  protected override async send(chunk: Uint8Array): Promise<void> {
    let taken = this.tryWrite(chunk);
    while (taken < chunk.length) {
      await new Promise<void>((resolve) => this.#wakeWriter = resolve);
      taken += this.tryWrite(chunk.subarray(taken));
    }
  }

  /** See {@link ReadyOwner.ready}. */
  ready(): void {
    this.#wakeWriter?.();
    this.#wakeWriter = undefined;
    if (this.#reader !== undefined) this.#continue(this.#reader);
    this.onReady?.();
  }

  /** See `Connection.reset`. */
  reset(): void {
    if (!this.isClosed) this.#socket.cutOnClose();
    this.close();
  }

  /** Closes the connection and rejects waiting operations. */
  override close(): void {
    if (this.isClosed) return;
    super.close();
    this.#wait(0);
    this.ready();
  }

  /** Serves the waiting read. */
  #continue(reader: PromiseWithResolvers<Uint8Array | undefined>): void {
    try {
      const chunk = this.tryRead();
      if (chunk === undefined) return;
      this.#reader = undefined;
      reader.resolve(unlessEnd(chunk));
    } catch (error) {
      this.#reader = undefined;
      reader.reject(error);
    }
  }

  #tryWrite(chunk: Uint8Array): number {
    try {
      return this.#socket.tryWrite(chunk);
    } catch (error) {
      throw toTransportError(error, "write");
    }
  }

  #wait(bytes: number): void {
    if (bytes === this.#waitingBytes) return;
    countWaiting(bytes - this.#waitingBytes);
    this.#waitingBytes = bytes;
  }
}

function unlessEnd(chunk: Uint8Array | "end"): Uint8Array | undefined {
  return chunk === "end" ? undefined : chunk;
}
