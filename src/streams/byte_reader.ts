/**
 * Reads a handshake from a stream that somebody else will read on.
 *
 * @module
 */
import { abortable } from "../clock.ts";

/**
 * Reads chunks with a signal on each wait, and gives the stream back without
 * losing a byte.
 *
 * A wait that was given up leaves its read pending: the next call takes it
 * over, and {@link ByteReader.release} returns it to the stream.
 */
export class ByteReader {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #pending: Promise<ReadableStreamReadResult<Uint8Array>> | undefined;

  /** @param readable Locked until {@link ByteReader.release}. */
  constructor(readable: ReadableStream<Uint8Array>) {
    this.#reader = readable.getReader();
  }

  /**
   * The next chunk, or `undefined` at the end of the stream.
   *
   * @param signal Its abort rejects the wait with the signal's reason.
   */
  async read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    this.#pending ??= this.#reader.read();
    const { value } = await abortable(this.#pending, signal);
    this.#pending = undefined;
    return value;
  }

  /** Unlocks the stream; chunks not yet read stay in it. Idempotent. */
  release(): void {
    this.#reader.releaseLock();
  }
}
