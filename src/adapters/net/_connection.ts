/**
 * The one place where a socket becomes Web Streams, so that half-close,
 * cancel, abort and close mean the same in every adapter.
 *
 * @module
 */
import type { Connection, Endpoint } from "../../transport.ts";
import { CLOSED, toTransportError } from "./_errors.ts";
import { countWaiting } from "./_read_size.ts";

/** The part that every adapter must provide; errors may be the runtime's. */
interface Socket {
  /** Our own address. */
  readonly local: Endpoint;
  /** The peer's address. */
  readonly remote: Endpoint;
  /** Takes back memory that a read has handed out. */
  recycle?(chunk: Uint8Array): void;
  /**
   * Sends FIN. Called once at most, never during a write.
   *
   * @returns Settles when it is done; `undefined`: it is already.
   */
  shutdown(): Promise<void> | undefined;
  /** Frees the descriptor. Called once at most. */
  close(): void;
}

/** A socket that is asked, and answers when it can. */
export interface AskedSocket extends Socket {
  /**
   * Bytes for the caller to keep, `undefined` after FIN. Never overlaps, and is
   * not called once the socket is closed; a close makes it reject.
   *
   * @throws {TransportError} {@link CLOSED} when it is closed meanwhile.
   */
  read(): Promise<Uint8Array | undefined>;
  /**
   * Settles when the system has taken all of `chunk`. Never overlaps; a close
   * makes it reject.
   */
  write(chunk: Uint8Array): Promise<void>;
}

/** A socket that answers at once, and calls back when to ask again. */
export interface ReadySocket extends Socket {
  /**
   * Called when an operation that had to wait may go on, never within a call of
   * these.
   */
  owner: ReadyOwner | undefined;
  /** See `Connection.tryRead`; not called once it is closed. */
  tryRead(): Uint8Array | "end" | undefined;
  /** See `Connection.tryWrite`; not called once it is closed. */
  tryWrite(chunk: Uint8Array): number;
  /** Makes the close, which is called next, a reset. */
  cutOnClose(): void;
}

/** See {@link ReadySocket.owner}. */
export interface ReadyOwner {
  /** Reads and writes may go on. */
  ready(): void;
}

let open = 0;

/** Connections of this thread that are open. */
export function openConnections(): number {
  return open;
}

/** A {@link Connection} over a socket of either kind. */
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

  /** @param socket Ours from here on. */
  constructor(socket: Socket) {
    this.#socket = socket;
    this.remote = socket.remote;
    open++;
  }

  /** Made when somebody asks: the services use `read()` and `write()`. */
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

  /** Made when somebody asks. */
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

  /** True once it was closed on our side. */
  protected get isClosed(): boolean {
    return this.#closed;
  }

  recycle(chunk: Uint8Array): void {
    this.#socket.recycle?.(chunk);
  }

  abstract read(): Promise<Uint8Array | undefined>;

  /** Settles when the system has taken all of it. */
  protected abstract send(chunk: Uint8Array): Promise<void>;

  /** True once our side was ended. */
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
    // An abort goes on to fail the stream with its own reason.
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

  /** Not an async function: one less step for every write. */
  #write(chunk: Uint8Array): Promise<void> {
    if (this.#closed || this.#ended) return Promise.reject(CLOSED);
    return this.send(chunk).catch((error) => {
      throw this.#closed ? CLOSED : toTransportError(error, "write");
    });
  }

  async #end(): Promise<void> {
    // As one write settles the stream starts the next it has queued; all of
    // them come before the FIN. The writer hears of a failure.
    let last: Promise<void> | undefined;
    do {
      last = this.#writing;
      await Promise.allSettled([last]);
    } while (last !== this.#writing);
    await this.#shutdown();
  }

  /** Not an async function: most are done when it returns. */
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

/** One for all that is done at once. */
const DONE: Promise<void> = Promise.resolve();

/** A {@link Connection} over an {@link AskedSocket}. */
export class AskedConnection extends SocketConnection {
  readonly #socket: AskedSocket;

  /** @param socket Ours from here on. */
  constructor(socket: AskedSocket) {
    super(socket);
    this.#socket = socket;
  }

  read(): Promise<Uint8Array | undefined> {
    // Passed on as it is: this promise waits with every quiet connection.
    return this.isClosed ? Promise.reject(CLOSED) : this.#socket.read();
  }

  protected override send(chunk: Uint8Array): Promise<void> {
    return this.#socket.write(chunk);
  }
}

/**
 * A {@link Connection} over a {@link ReadySocket}: read and written at once, or
 * by promises, and ended by a reset if need be.
 */
export class ReadyConnection extends SocketConnection implements ReadyOwner {
  onReady: (() => void) | undefined;
  readonly #socket: ReadySocket;
  #reader: PromiseWithResolvers<Uint8Array | undefined> | undefined;
  #wakeWriter: (() => void) | undefined;
  /** Bytes of the buffer of a write that the system has not taken whole. */
  #waitingBytes = 0;

  /** @param socket Ours from here on. */
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
    // All of the buffer waits, as long as a part of it does.
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

  /** Those that wait hear of it. */
  override close(): void {
    if (this.isClosed) return;
    super.close();
    this.#wait(0);
    this.ready();
  }

  /** Serves the read that waits. */
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
