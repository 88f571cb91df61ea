/**
 * The one reader of a connection, through handshake, relay and drain.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import { abortable } from "../clock.ts";
import type { Connection } from "../transport.ts";

/** The part of a connection that a {@link ByteReader} needs. */
export type ReadSource = Pick<Connection, "readable" | "read" | "tryRead">;

/**
 * Reads chunks: by promises, with a signal on each wait where one is wanted, or
 * at once; through the adapter's shortcuts, or else through the stream.
 *
 * A read that was given up goes on; the next call takes it over, so that no
 * byte is lost. Handing the reader on costs nothing, unlike unlocking a stream
 * and locking it again.
 */
export class ByteReader {
  /**
   * Called when a {@link ByteReader.tryRead} that found nothing may find
   * something, where the connection does not tell that itself.
   */
  onReady: (() => void) | undefined;
  readonly #source: ReadSource;
  readonly #stream: ReadableStreamDefaultReader<Uint8Array> | undefined;
  /** A read that was given up, or may be. */
  #left: Promise<Uint8Array | undefined> | undefined;
  /** The outcome of that read, where {@link ByteReader.tryRead} asks for it. */
  #outcome: Outcome | undefined;

  /**
   * Takes the reading side over for good.
   *
   * @param source From now on only this object reads it.
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
  read(signal?: StopSignal): Promise<Uint8Array | undefined> {
    const read = this.#left ?? this.#next();
    this.#forget();
    // Not an async function: one less waits with every quiet connection.
    return signal === undefined ? read : this.#readUntil(read, signal);
  }

  /**
   * Reads at once, as `Connection.tryRead` does, whatever the adapter can.
   *
   * @throws {TransportError} What the connection failed with.
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

  /** Begins to read, where {@link ByteReader.tryRead} would have to ask. */
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

/** The outcome of a read that goes on by itself. */
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
