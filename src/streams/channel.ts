/**
 * A connection with its session: payload in, payload out.
 *
 * There are two ways to use it: by promises, with {@link Channel.read} and
 * {@link Channel.write}, or by code that moves bytes between `connection` and
 * `session`, as the relay does.
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

/** The direction of payload: from the client to the target (up), or back. */
export type Direction = "up" | "down";

/** Counts relayed payload. */
export interface PayloadCounter {
  /** Counts payload bytes. */
  count(direction: Direction, bytes: number): void;
}

/** The session of a connection whose payload is not changed. */
export const PLAIN: StreamSession = {
  seal: (payload) => payload,
  open: (bytes) => ({ payload: bytes }),
  end: () => {},
  free: () => {},
};

/** Owns a connection and its session. */
export class Channel {
  /** The connection. */
  readonly connection: Connection;
  /** Converts payload to bytes and back. */
  readonly session: StreamSession;
  /** The only reader of the connection. */
  readonly reader: ByteReader;
  /** The only writer of the connection. */
  readonly writer: ByteWriter;
  /** Name of the server that the channel leads through; default: none. */
  server: string | undefined;
  #first: Uint8Array;
  #counter: PayloadCounter | undefined;
  #begun = false;
  #watched = false;
  #stale = false;
  #closed = false;
  #brokenOff = false;
  /** Pending calls of {@link Channel.nextOpened}. */
  #released: PromiseWithResolvers<void> | undefined;

  /**
   * Makes a channel that owns both.
   *
   * @param session Default: payload is not changed.
   * @param first Payload that is already there; may be empty.
   * @param ends The existing reader and writer of the connection; default: new
   * ones.
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
    this.#first = first;
  }

  /**
   * Returns the same connection without the session. This channel must then
   * only be closed.
   */
  bare(): Channel {
    return new Channel(this.connection, PLAIN, NOTHING, this);
  }

  /**
   * Payload that is sent with the first bytes; empty after
   * {@link Channel.begin}.
   */
  get first(): Uint8Array {
    return this.#first;
  }

  /** Our own address. */
  get local(): Endpoint {
    return this.connection.local;
  }

  /**
   * True if the peer sent something or closed while the channel was watched, or
   * the channel is closed.
   */
  get stale(): boolean {
    return this.#stale || this.#closed;
  }

  /**
   * Called when `tryRead` of the reader or `tryWrite` of the writer may
   * continue; `undefined` for no callback.
   */
  set onReady(callback: (() => void) | undefined) {
    this.connection.onReady = callback;
    this.reader.onReady = callback;
    this.writer.onReady = callback;
  }

  /** Sets the counter of {@link Channel.read} and {@link Channel.write}. */
  countTo(counter: PayloadCounter): void {
    this.#counter = counter;
  }

  /**
   * Returns the bytes that must be written first, in one segment: the request,
   * if the session has one, and the first payload. Call it once, unless
   * {@link Channel.write} is used.
   *
   * @param more Payload after {@link Channel.first}; may be empty.
   */
  begin(more: Uint8Array = NOTHING): Uint8Array {
    this.#begun = true;
    const first = this.#first;
    this.#first = NOTHING;
    const payload = first.length === 0 ? more : concat(first, more);
    const bytes = this.sealFirst(payload);
    const { greeting } = this.session;
    return greeting?.length ? concat(greeting, bytes) : bytes;
  }

  /**
   * Settles when the session has opened bytes and may accept payload again, or
   * when the channel is closed; see `StreamSession.isWaiting`.
   */
  nextOpened(): Promise<void> {
    this.#released ??= Promise.withResolvers();
    return this.#released.promise;
  }

  /**
   * Ends the waits of {@link Channel.nextOpened}. The code that drives the
   * session calls it after opening bytes.
   */
  opened(): void {
    this.#released?.resolve();
    this.#released = undefined;
  }

  /** Sends payload; settles when the system has taken it. */
  async write(payload: Uint8Array, signal: StopSignal): Promise<void> {
    await this.#untilPassing(signal);
    const added = this.#first.length;
    const bytes = this.#begun
      ? this.session.seal(payload)
      : this.begin(payload);
    this.#counter?.count("up", added + payload.length);
    if (bytes.length > 0) await abortable(this.writer.write(bytes), signal);
  }

  /**
   * Returns payload of the peer, at least one byte, or `undefined` at its end.
   *
   * @throws {ProtocolError} If the peer's stream is invalid.
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

  /** Watches, until the next read, if the peer sends something or closes. */
  watch(): void {
    this.#watched = true;
    const notice = (): void => {
      if (this.#watched) this.#stale = true;
    };
    this.reader.peek().then(notice, notice);
  }

  /** Half-closes: sends a FIN after everything written. */
  async closeWrite(): Promise<void> {
    await this.#untilPassing();
    await this.writer.close();
  }

  /** Closes the connection and releases the keys. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.opened();
    this.connection.close();
    this.session.free();
  }

  /**
   * Writes a chunk without its last byte, from which the peer sees that the
   * stream was cut; nothing written before is lost. No write may be pending.
   *
   * @returns Settles when the system has taken it; `undefined` if the session
   * has no chunks.
   */
  breakOff(): Promise<void> | undefined {
    const chunk = this.session.seal(new Uint8Array(1)).subarray(0, -1);
    if (chunk.length === 0) return undefined;
    this.#brokenOff = true;
    return this.writer.write(chunk);
  }

  /**
   * Closes the channel in a way that differs from a normal end: by a reset, if
   * the transport supports it, unless {@link Channel.breakOff} was called.
   */
  cut(): void {
    if (!this.#closed && !this.#brokenOff) this.connection.reset?.();
    this.close();
  }

  /**
   * Waits until sealed bytes were sent, which must come before more bytes and
   * before the end.
   */
  async #untilPassing(signal?: StopSignal): Promise<void> {
    while (this.session.isWaiting === true && !this.#closed) {
      await abortable(this.nextOpened(), signal);
    }
  }

  /** Seals the first payload; subclasses put a request before it. */
  protected sealFirst(payload: Uint8Array): Uint8Array {
    return this.session.seal(payload);
  }
}
