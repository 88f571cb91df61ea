/**
 * The one reader of a connection, through handshake, relay and drain.
 *
 * @module
 */
import { abortable } from "../clock.ts";
import type { Connection } from "../transport.ts";

/** What a {@link ByteReader} needs of a connection. */
export type ReadSource = Pick<Connection, "readable" | "read">;

/**
 * Reads chunks, with a signal on each wait where one is wanted; through the
 * adapter's shortcut, or else through the stream.
 *
 * A read that was given up goes on; the next call takes it over, so that no
 * byte is lost. Handing the reader on costs nothing, unlike unlocking a stream
 * and locking it again.
 */
export class ByteReader {
  readonly #source: ReadSource;
  readonly #stream: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** A read that was given up, or may be. */
  #left: Promise<Uint8Array | undefined> | undefined;

  /**
   * Takes the reading side over for good.
   *
   * @param source Read by nobody else from now on.
   */
  constructor(source: ReadSource) {
    this.#source = source;
    if (source.read === undefined) this.#stream = source.readable.getReader();
  }

  /**
   * The next chunk, or `undefined` at the end. One at a time.
   *
   * @param signal Its abort rejects the wait with the signal's reason, and gives
   * the read up.
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const read = this.#left ?? this.#next();
    this.#left = undefined;
    // Not an async function: one less waits with every quiet connection.
    return signal === undefined ? read : this.#readUntil(read, signal);
  }

  /**
   * Gives a read up that has no signal.
   *
   * @param read What {@link ByteReader.read} returned last; whoever waits for it
   * drops what it yields.
   */
  giveUp(read: Promise<Uint8Array | undefined>): void {
    this.#left = read;
  }

  /** Settles once the next {@link ByteReader.read} would not wait. */
  async peek(): Promise<void> {
    await (this.#left ??= this.#next());
  }

  #next(): Promise<Uint8Array | undefined> {
    return this.#stream === undefined
      ? this.#source.read!()
      : readStream(this.#stream);
  }

  async #readUntil(
    read: Promise<Uint8Array | undefined>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    this.#left = read;
    const chunk = await abortable(read, signal);
    if (this.#left === read) this.#left = undefined;
    return chunk;
  }
}

async function readStream(
  stream: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array | undefined> {
  return (await stream.read()).value;
}
