/**
 * A connection with the session that is spoken on it: payload in, payload out.
 *
 * The two parts can be driven in two ways: by promises through
 * {@link Channel.read} and {@link Channel.write}, or by code that moves bytes
 * between `connection` and `session`, as the relay does.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import { concat, NOTHING } from "../bytes.ts";
import { abortable } from "../clock.ts";
import type { StreamSession } from "../session/stream_protocol.ts";
import type { Connection, Endpoint } from "../transport.ts";
import { ByteReader } from "./byte_reader.ts";
import { ByteWriter } from "./byte_writer.ts";

/** Which way payload goes: from the client to the target, or back. */
export type Direction = "up" | "down";

/** Counts payload that passes. */
export interface PayloadCounter {
  /** Takes note of payload bytes. */
  count(direction: Direction, bytes: number): void;
}

/** The session of a connection that carries payload as it is. */
export const PLAIN: StreamSession = {
  seal: (payload) => payload,
  open: (bytes) => ({ payload: bytes }),
  end: () => {},
  free: () => {},
};

/** Owns a connection and its session. */
export class Channel {
  /** The bytes below. */
  readonly connection: Connection;
  /** Turns payload into bytes and back. */
  readonly session: StreamSession;
  /** The one reader of the connection. */
  readonly reader: ByteReader;
  /** The one writer of the connection. */
  readonly writer: ByteWriter;
  /** Payload that leaves with the first bytes; see {@link Channel.begin}. */
  readonly first: Uint8Array;
  /** Name of the server that it leads through; default: it has none. */
  server: string | undefined;
  #counter: PayloadCounter | undefined;
  #begun = false;
  #watched = false;
  #stale = false;
  #closed = false;
  #brokenOff = false;
  /** Those that wait in {@link Channel.nextOpened}. */
  #released: PromiseWithResolvers<void> | undefined;

  /**
   * Takes both over.
   *
   * @param session Default: payload passes as it is.
   * @param first Payload that is there already; may be empty.
   * @param ends The reader and writer of the connection; default:
   * none.
   */
  constructor(
    connection: Connection,
    session: StreamSession = PLAIN,
    first: Uint8Array = NOTHING,
    ends?: Pick<Channel, "reader" | "writer">,
  ) {
    this.connection = connection;
    this.session = session;
    this.reader = ends?.reader ?? new ByteReader(connection);
    this.writer = ends?.writer ?? new ByteWriter(connection);
    this.first = first;
  }

  /**
   * The same connection without the session: bytes pass as they are. This
   * channel is used no more, but to close it.
   */
  bare(): Channel {
    return new Channel(this.connection, PLAIN, NOTHING, this);
  }

  /** Our own address. */
  get local(): Endpoint {
    return this.connection.local;
  }

  /** True if the peer spoke or hung up while it was watched, or it is closed. */
  get stale(): boolean {
    return this.#stale || this.#closed;
  }

  /**
   * Told, from now on, when `tryRead` of the reader or `tryWrite` of the writer
   * may go on; `undefined`: there is none.
   */
  set onReady(callback: (() => void) | undefined) {
    this.connection.onReady = callback;
    this.reader.onReady = callback;
    this.writer.onReady = callback;
  }

  /** Counts what {@link Channel.read} and {@link Channel.write} carry. */
  countTo(counter: PayloadCounter): void {
    this.#counter = counter;
  }

  /**
   * The bytes that must be written before all others, in one segment: the
   * request, where the session has one, and the first payload. To be called
   * once, unless {@link Channel.write} is.
   *
   * @param more Payload that goes behind {@link Channel.first}; may be empty.
   */
  begin(more: Uint8Array = NOTHING): Uint8Array {
    this.#begun = true;
    const payload = this.first.length === 0 ? more : concat(this.first, more);
    const bytes = this.sealFirst(payload);
    const { greeting } = this.session;
    return greeting?.length ? concat(greeting, bytes) : bytes;
  }

  /**
   * Settles when the session has opened bytes, after which it may pass on what
   * it is given, or when the wait is given up; see `StreamSession.isWaiting`.
   */
  nextOpened(): Promise<void> {
    this.#released ??= Promise.withResolvers();
    return this.#released.promise;
  }

  /**
   * Lets those go on that wait in {@link Channel.nextOpened}: to be called by
   * the driver of the session when it has opened bytes.
   */
  opened(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  /** Sends payload; settles when the system has taken it. */
  async write(payload: Uint8Array, signal: StopSignal): Promise<void> {
    await this.#untilPassing(signal);
    const added = this.#begun ? 0 : this.first.length;
    const bytes = this.#begun
      ? this.session.seal(payload)
      : this.begin(payload);
    this.#counter?.count("up", added + payload.length);
    if (bytes.length > 0) await abortable(this.writer.write(bytes), signal);
  }

  /**
   * Payload of the peer, at least one byte; `undefined` at its end.
   *
   * @throws {ProtocolError} When what came is no valid stream.
   */
  async read(signal: StopSignal): Promise<Uint8Array | undefined> {
    this.#watched = false;
    for (;;) {
      const bytes = await this.reader.read(signal);
      if (bytes === undefined) {
        this.session.end();
        return undefined;
      }
      const { payload, reply } = this.session.open(bytes);
      if (reply !== undefined) {
        await abortable(this.writer.reply(reply), signal);
      }
      this.opened();
      this.#counter?.count("down", payload.length);
      if (payload.length > 0) return payload;
    }
  }

  /** Watches until the next read for what makes an idle channel useless. */
  watch(): void {
    this.#watched = true;
    const notice = (): void => {
      if (this.#watched) this.#stale = true;
    };
    this.reader.peek().then(notice, notice);
  }

  /** Half-close: FIN after everything written. */
  async closeWrite(): Promise<void> {
    await this.#untilPassing();
    await this.writer.close();
  }

  /** Closes the connection and gives the keys back. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.opened();
    this.connection.close();
    this.session.free();
  }

  /**
   * Writes a chunk without its last byte, which tells the peer that the stream
   * was cut, and loses nothing of what was written before. To be called while
   * nothing is written.
   *
   * @returns Settles when the system has taken it; `undefined` where bytes of
   * this session tell nothing.
   */
  breakOff(): Promise<void> | undefined {
    const chunk = this.session.seal(new Uint8Array(1)).subarray(0, -1);
    if (chunk.length === 0) return undefined;
    this.#brokenOff = true;
    return this.writer.write(chunk);
  }

  /**
   * Closes it in a way that cannot pass for an end: by a reset, where the
   * transport has one, unless {@link Channel.breakOff} has told the peer.
   */
  cut(): void {
    if (!this.#closed && !this.#brokenOff) this.connection.reset?.();
    this.close();
  }

  /**
   * Waits until the bytes under way have left: they go before more, and before
   * the end.
   */
  async #untilPassing(signal?: StopSignal): Promise<void> {
    while (this.session.isWaiting === true && !this.#closed) {
      await abortable(this.nextOpened(), signal);
    }
  }

  /** Seals the first payload; a request goes in front of it. */
  protected sealFirst(payload: Uint8Array): Uint8Array {
    return this.session.seal(payload);
  }
}
