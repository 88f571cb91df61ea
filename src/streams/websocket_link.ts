/**
 * A connection that uses WebSocket: it reads and writes frames, answers pings,
 * and ends the connection on both sides.
 *
 * A Close frame only ends the messages of its sender. The other side may
 * continue to send.
 *
 * @module
 */
import type { BufferPool } from "../buffer_pool.ts";
import { abortable, type Clock, Deadline, pause } from "../clock.ts";
import {
  CLOSE_NORMAL,
  type FrameEvent,
  FrameReader,
  FrameWriter,
  type WebSocketEnd,
} from "../codec/websocket.ts";
import { TransportError } from "../errors.ts";
import { WEBSOCKET_CLOSE_MS } from "../limits.ts";
import type { RandomBytes } from "../random.ts";
import type { Connection } from "../transport.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";

/** A connection after its handshake. */
export interface UpgradedConnection {
  /** The receiver of this object owns it. */
  readonly connection: Connection;
  /** The only reader of the connection. */
  readonly reader: ByteReader;
  /** The only writer of the connection. */
  readonly writer: ByteWriter;
  /** The bytes after the handshake; may be empty. */
  readonly rest: Uint8Array;
}

/** The options of a link. */
export interface LinkOptions {
  /** The side of this link. */
  readonly end: WebSocketEnd;
  /** The most bytes of a message. */
  readonly maxMessage: number;
  /** Makes masks. */
  readonly randomBytes: RandomBytes;
  /** Measures the wait for the peer's end. */
  readonly clock: Clock;
  /** The pool of buffers for frames. */
  readonly buffers: BufferPool;
  /**
   * Milliseconds without a byte before the Close frame is sent, for peers that
   * discard pending data when it arrives; default 0.
   */
  readonly closeDelayMs?: number | undefined;
}

/** A part of a message, or a whole one. */
export type Part = Extract<FrameEvent, { kind: "payload" }>;

/** One side of a WebSocket. */
export class WebSocketLink {
  /** The connection below. */
  readonly connection: Connection;
  /** Settles when the connection is closed. */
  readonly closed: Promise<void>;
  readonly #reader: ByteReader;
  readonly #writer: ByteWriter;
  readonly #options: LinkOptions;
  readonly #frames: FrameReader;
  readonly #out: FrameWriter;
  readonly #tellClosed: () => void;
  /** Aborts when the peer has ended, or the link is closed. */
  readonly #over = new AbortController();
  #rest: Uint8Array | undefined;
  #reading: Promise<unknown> | undefined;
  #ending: Promise<void> | undefined;
  #hasEnded = false;
  /** The time of the last read after this side has ended. */
  #lastReadMs = -Infinity;
  #isPonging = false;
  #isClosing = false;

  /** Makes a link that owns the connection. */
  constructor(
    { connection, reader, writer, rest }: UpgradedConnection,
    options: LinkOptions,
  ) {
    const isClient = options.end === "client";
    this.connection = connection;
    this.#reader = reader;
    this.#writer = writer;
    this.#rest = rest.length > 0 ? rest : undefined;
    this.#options = options;
    this.#frames = new FrameReader(
      isClient ? "server" : "client",
      options.maxMessage,
    );
    this.#out = new FrameWriter(isClient ? options.randomBytes : undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.closed = promise;
    this.#tellClosed = resolve;
  }

  /**
   * Returns parts of messages, at least one, or `undefined` when the peer has
   * ended. One call at a time.
   *
   * @throws {ProtocolError} `ERR_WS_FRAME`, `ERR_WS_TRUNCATED`.
   */
  read(): Promise<Part[] | undefined> {
    const reading = this.#next();
    this.#reading = reading;
    return reading;
  }

  /**
   * Sends one message; settles when the system has taken it. One call at a
   * time.
   */
  async write(message: Uint8Array): Promise<void> {
    const { buffers } = this.#options;
    const frame = this.#out.message(message, buffers.take);
    await this.#writer.write(frame);
    buffers.give(frame);
  }

  /** Sends a Close frame after everything written. Idempotent. */
  closeWrite(): Promise<void> {
    return this.#ending ??= this.#end();
  }

  /**
   * Closes the connection. If only the peer's Close frame is missing, it waits
   * up to ten seconds for that. Idempotent.
   */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    const release = (): void => this.#release();
    if (this.#ending === undefined || this.#hasEnded) return release();
    // Whatever the result of the wait, the connection is not needed any more.
    this.#untilEnded().then(release, release);
  }

  async #next(): Promise<Part[] | undefined> {
    while (!this.#hasEnded) {
      const bytes = this.#rest ?? await this.#reader.read();
      this.#rest = undefined;
      if (this.#ending !== undefined) {
        this.#lastReadMs = this.#options.clock.monotonicMs();
      }
      if (bytes === undefined) {
        this.#peerEnded();
        this.#frames.end();
        return undefined;
      }
      const parts = this.#take(this.#frames.read(bytes));
      if (this.#frames.isClosed) this.#peerEnded();
      if (parts.length > 0) return parts;
    }
    return undefined;
  }

  #peerEnded(): void {
    this.#hasEnded = true;
    this.#over.abort(OVER);
  }

  #take(events: readonly FrameEvent[]): Part[] {
    const parts: Part[] = [];
    for (const event of events) {
      if (event.kind === "payload") parts.push(event);
      else if (event.kind === "ping") this.#pong(event.bytes);
    }
    return parts;
  }

  /**
   * Answers a ping. While an answer is being sent, further pings are not
   * answered.
   */
  #pong(payload: Uint8Array): void {
    if (this.#isPonging || this.#ending !== undefined) return;
    this.#isPonging = true;
    const done = (): void => {
      this.#isPonging = false;
    };
    // The reader or the writer gets the error of the connection.
    this.#writer.reply(this.#out.pong(payload)).then(done, done);
  }

  async #end(): Promise<void> {
    await this.#untilQuiet();
    try {
      await this.#writer.reply(this.#out.close(CLOSE_NORMAL));
    } catch (error) {
      // A peer that has ended may be gone; nothing is lost then.
      if (!this.#hasEnded) throw error;
    }
  }

  async #untilQuiet(): Promise<void> {
    const { clock, closeDelayMs = 0 } = this.#options;
    const { signal } = this.#over;
    const quietSinceMs = clock.monotonicMs();
    while (!signal.aborted) {
      const since = Math.max(quietSinceMs, this.#lastReadMs);
      const leftMs = since + closeDelayMs - clock.monotonicMs();
      if (leftMs <= 0) return;
      await pause(clock, leftMs, signal);
    }
  }

  /** Reads and discards what the peer still sends. */
  async #untilEnded(): Promise<void> {
    using deadline = new Deadline(this.#options.clock, {
      delayMs: WEBSOCKET_CLOSE_MS,
    });
    const { signal } = deadline;
    await abortable(Promise.allSettled([this.#reading]), signal);
    while (await abortable(this.read(), signal) !== undefined);
  }

  #release(): void {
    this.connection.close();
    this.#over.abort(OVER);
    this.#tellClosed();
  }
}

/**
 * A shared reason: aborting without one makes an error with a stack each time.
 */
const OVER = new TransportError("ERR_NET_CLOSED", "Connection is closed");
