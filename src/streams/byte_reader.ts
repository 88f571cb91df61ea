/**
 * The only reader of a connection, for handshake, relay and drain.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import { abortable } from "../clock.ts";
import type { Connection } from "../transport.ts";

/** The part of a connection that a {@link ByteReader} uses. */
export type ReadSource = Pick<Connection, "readable" | "read" | "tryRead">;

/**
 * Reads chunks, with or without waiting. It uses the adapter's shortcuts if
 * they exist, and otherwise the stream.
 *
 * An aborted read continues, and the next call gets its result, so that no byte
 * is lost. Passing the reader on costs nothing, unlike releasing and
 * reacquiring the lock of a stream.
 */
export class ByteReader {
  /**
   * Called when a {@link ByteReader.tryRead} without a result may have one, if
   * the connection does not report that itself.
   */
  onReady: (() => void) | undefined;
  readonly #source: ReadSource;
  readonly #stream: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** A pending read, which may have been aborted. */
  #left: Promise<Uint8Array | undefined> | undefined;
  /** The result of that read, if {@link ByteReader.tryRead} waits for it. */
  #outcome: Outcome | undefined;

  /**
   * Makes the reader of a connection.
   *
   * @param source Only this object may read it from now on.
   */
  constructor(source: ReadSource) {
    this.#source = source;
    if (source.read === undefined) this.#stream = source.readable.getReader();
  }

  /**
   * Returns the next chunk, or `undefined` at the end. One call at a time.
   *
   * @param signal Its abort rejects the wait with the signal's reason; the read
   * continues.
   */
  read(signal?: StopSignal): Promise<Uint8Array | undefined> {
    const read = this.#left ?? this.#next();
    this.#forget();
    // This is not an async function, so that a quiet connection waits on one
    // promise less.
    return signal === undefined ? read : this.#readUntil(read, signal);
  }

  /**
   * Reads without waiting, as `Connection.tryRead` does; works with every
   * adapter.
   *
   * @throws {TransportError} The error of the connection.
   */
  tryRead(): Uint8Array | "end" | undefined {
    if (this.#left === undefined && this.#source.tryRead !== undefined) {
      return this.#source.tryRead();
    }
    const outcome = this.#outcome ??= this.#ask();
    if (outcome.isPending) return undefined;
    this.#forget();
    if (outcome.hasFailed) throw outcome.error;
    return outcome.chunk ?? "end";
  }

  /** Starts a read if {@link ByteReader.tryRead} would have to. */
  ask(): void {
    if (this.#source.tryRead === undefined) this.#outcome ??= this.#ask();
  }

  /** Settles once the next {@link ByteReader.read} would not wait. */
  async peek(): Promise<void> {
    await (this.#left ??= this.#next());
  }

  #ask(): Outcome {
    const outcome = new Outcome();
    (this.#left ??= this.#next()).then((chunk) => {
      outcome.chunk = chunk;
      this.#settled(outcome);
    }, (error) => {
      outcome.hasFailed = true;
      outcome.error = error;
      this.#settled(outcome);
    });
    return outcome;
  }

  #settled(outcome: Outcome): void {
    outcome.isPending = false;
    if (this.#outcome === outcome) this.onReady?.();
  }

  #forget(): void {
    this.#left = undefined;
    this.#outcome = undefined;
  }

  #next(): Promise<Uint8Array | undefined> {
    return this.#stream === undefined
      ? this.#source.read!()
      : readStream(this.#stream);
  }

  async #readUntil(
    read: Promise<Uint8Array | undefined>,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined> {
    this.#left = read;
    const chunk = await abortable(read, signal);
    if (this.#left === read) this.#left = undefined;
    return chunk;
  }
}

/** The result of a read that continues in the background. */
class Outcome {
  isPending = true;
  hasFailed = false;
  chunk: Uint8Array | undefined;
  error: unknown;
}

async function readStream(
  stream: ReadableStreamDefaultReader<Uint8Array>,
): Promise<Uint8Array | undefined> {
  return (await stream.read()).value;
}
