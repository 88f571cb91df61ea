/**
 * A channel as a connection, for another protocol inside it.
 *
 * @module
 */
import { TransportError } from "../errors.ts";
import type { Connection, Endpoint } from "../transport.ts";
import type { Channel } from "./channel.ts";
import { type ChannelStreams, channelStreams } from "./channel_streams.ts";

/** A {@link Connection} over a {@link Channel}. */
export class ChannelConnection implements Connection {
  readonly #channel: Channel;
  readonly #over = new AbortController();
  #streams: ChannelStreams | undefined;

  /** Makes a connection that owns the channel. */
  constructor(channel: Channel) {
    this.#channel = channel;
  }

  /** See {@link Connection.local}. */
  get local(): Endpoint {
    return this.#channel.local;
  }

  /** See {@link Connection.remote}. */
  get remote(): Endpoint {
    return this.#channel.connection.remote;
  }

  /** See {@link Connection.readable}. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#both.readable;
  }

  /** See {@link Connection.writable}. */
  get writable(): WritableStream<Uint8Array> {
    return this.#both.writable;
  }

  /** See {@link Connection.read}. */
  read(): Promise<Uint8Array | undefined> {
    return this.#channel.read(this.#over.signal);
  }

  /** See {@link Connection.write}. */
  write(chunk: Uint8Array): Promise<void> {
    return this.#channel.write(chunk, this.#over.signal);
  }

  /** See {@link Connection.closeWrite}. */
  closeWrite(): Promise<void> {
    return this.#channel.closeWrite();
  }

  /** See {@link Connection.close}. */
  close(): void {
    this.#channel.close();
    this.#over.abort(CLOSED);
  }

  /** See {@link Connection.reset}. */
  reset(): void {
    this.#channel.cut();
    this.close();
  }

  get #both(): ChannelStreams {
    return this.#streams ??= channelStreams(this.#channel, this.#over.signal);
  }
}

/**
 * A shared reason: aborting without one makes an error with a stack each time.
 */
const CLOSED = new TransportError("ERR_NET_CLOSED", "Connection is closed");
