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
 * A wait that was given up leaves its read pending; the next call takes it
 * over, so that no byte is lost. Handing the reader on costs nothing, unlike
 * unlocking a stream and locking it again.
 */
export class ByteReader {
  readonly #next: () => Promise<Uint8Array | undefined>;
  #pending: Promise<Uint8Array | undefined> | undefined;

  /**
   * Takes the reading side over for good.
   *
   * @param source Read by nobody else from now on.
   */
  constructor(source: ReadSource) {
    if (source.read === undefined) {
      const reader = source.readable.getReader();
      this.#next = async () => (await reader.read()).value;
    } else this.#next = () => source.read!();
  }

  /**
   * The next chunk, or `undefined` at the end.
   *
   * @param signal Its abort rejects the wait with the signal's reason.
   */
  read(signal?: AbortSignal): Promise<Uint8Array | undefined> {
    const pending = this.#pending ??= this.#next();
    // Not an async function: one less waits with every quiet connection.
    return signal === undefined
      ? pending.then(this.#delivered)
      : this.#readUntil(pending, signal);
  }

  readonly #delivered = (
    chunk: Uint8Array | undefined,
  ): Uint8Array | undefined => {
    this.#pending = undefined;
    return chunk;
  };

  async #readUntil(
    pending: Promise<Uint8Array | undefined>,
    signal: AbortSignal,
  ): Promise<Uint8Array | undefined> {
    const chunk = await abortable(pending, signal);
    // Whoever waited for the same read may have been here before.
    if (this.#pending === pending) this.#pending = undefined;
    return chunk;
  }

  /** Settles once the next {@link ByteReader.read} would not wait. */
  async peek(): Promise<void> {
    await (this.#pending ??= this.#next());
  }
}
