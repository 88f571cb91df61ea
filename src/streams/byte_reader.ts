/**
 * The one reader of a stream, through handshake, relay and drain.
 *
 * @module
 */
import { abortable } from "../clock.ts";

/**
 * Reads chunks, with a signal on each wait where one is wanted.
 *
 * A wait that was given up leaves its read pending; the next call takes it
 * over, so that no byte is lost. Handing the reader on costs nothing, unlike
 * unlocking a stream and locking it again.
 */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  /**
   * Locks the stream for good.
   *
   * @param readable Not locked.
   */
  constructor(readable: ReadableStream<Uint8Array>) {
    this.#reader = readable.getReader();
  }

  /**
   * The next chunk, or `undefined` at the end of the stream.
   *
   * @param signal Its abort rejects the wait with the signal's reason.
   */
  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const pending = this.#pending ??= this.#reader.read();
    const { value } = signal === undefined
      ? await pending
      : await abortable(pending, signal);
    // Whoever waited for the same read may have been here before.
    if (this.#pending === pending) this.#pending = undefined;
    return value;
  }

  /** Settles once the next {@link ByteReader.read} would not wait. */
  async peek(): Promise<void> {
    await (this.#pending ??= this.#reader.read());
  }
}
