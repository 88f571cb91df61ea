/**
 * The one place where a socket becomes Web Streams, so that half-close,
 * cancel, abort and close mean the same in every adapter.
 *
 * @module
 */
import type { Connection, Endpoint } from "../../transport.ts";
import { CLOSED, toTransportError } from "./_errors.ts";

/** What an adapter must provide; errors of all but `read` may be the runtime's. */
export interface Socket {
  /** Our own address. */
  readonly local: Endpoint;
  /** The peer's address. */
  readonly remote: Endpoint;
  /**
   * Bytes for the caller to keep, `undefined` after FIN. Never overlaps, and is
   * not called once the socket is closed.
   *
   * @throws {TransportError} {@link CLOSED} when it is closed meanwhile.
   */
  read(): Promise<Uint8Array | undefined>;
  /** Settles when the system has taken all of `chunk`. Never overlaps. */
  write(chunk: Uint8Array): Promise<void>;
  /** Takes back memory that a read has handed out. */
  recycle?(chunk: Uint8Array): void;
  /** Sends FIN. Called once at most, never during a write. */
  shutdown(): void | Promise<void>;
  /**
   * Frees the descriptor and makes pending calls reject. Called once at most.
   */
  close(): void;
}

/** A socket that can be closed by a reset. */
export interface ResettableSocket extends Socket {
  /** Makes the close, which is called next, a reset. */
  cutOnClose(): void;
}

let open = 0;

/** Connections of this thread that are open. */
export function openConnections(): number {
  return open;
}

/** A {@link Connection} over a {@link Socket}. */
export class SocketConnection implements Connection {
  readonly remote: Endpoint;
  readonly #socket: Socket;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;
  #input: ReadableStreamDefaultController<Uint8Array> | undefined;
  #output: WritableStreamDefaultController | undefined;
  #cancelled = false;
  #writing: Promise<void> = Promise.resolve();
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

  read(): Promise<Uint8Array | undefined> {
    // Passed on as it is: this promise waits with every quiet connection.
    return this.#closed ? Promise.reject(CLOSED) : this.#socket.read();
  }

  write(chunk: Uint8Array): Promise<void> {
    return this.#writing = this.#write(chunk);
  }

  closeWrite(): Promise<void> {
    return this.#ending ??= this.#end();
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

  async #write(chunk: Uint8Array): Promise<void> {
    if (this.#closed || this.#ended) throw CLOSED;
    try {
      await this.#socket.write(chunk);
    } catch (error) {
      throw this.#closed ? CLOSED : toTransportError(error, "write");
    }
  }

  async #end(): Promise<void> {
    // As one write settles the stream starts the next it has queued; all of
    // them come before the FIN. Whoever wrote hears of a failure.
    let last: Promise<void> | undefined;
    while (last !== this.#writing) {
      last = this.#writing;
      await Promise.allSettled([last]);
    }
    this.#ended = true;
    if (this.#closed) return;
    try {
      await this.#socket.shutdown();
    } catch (error) {
      if (!this.#closed) throw toTransportError(error, "end the stream");
    }
  }
}

/** A connection that can be ended by a reset. */
export class ResettableConnection extends SocketConnection {
  readonly #resettable: ResettableSocket;

  /** @param socket Ours from here on. */
  constructor(socket: ResettableSocket) {
    super(socket);
    this.#resettable = socket;
  }

  /** See `Connection.reset`. */
  reset(): void {
    if (!this.isClosed) this.#resettable.cutOnClose();
    this.close();
  }
}
