/**
 * The only writer of a connection, for handshake and relay.
 *
 * @module
 */
import type { Connection } from "../transport.ts";

/** The part of a connection that a {@link ByteWriter} uses. */
export type WriteTarget = Pick<
  Connection,
  "writable" | "write" | "tryWrite" | "closeWrite"
>;

/**
 * Writes chunks, with or without waiting. It uses the adapter's shortcuts if
 * they exist, and otherwise the stream.
 */
export class ByteWriter {
  /**
   * Called when a {@link ByteWriter.tryWrite} may continue, if the connection
   * does not report that itself.
   */
  onReady: (() => void) | undefined;
  readonly #target: WriteTarget;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** The write that was started last. */
  #last: Promise<void> | undefined;
  /** A chunk of {@link ByteWriter.tryWrite} that is written by a promise. */
  #handed: Handed | undefined;
  /** A pending reply, which comes after everything before it. */
  #reply: Promise<void> | undefined;

  /**
   * Makes the writer of a connection.
   *
   * @param target Only this object may write it from now on.
   */
  constructor(target: WriteTarget) {
    this.#target = target;
    if (target.write === undefined) this.#writer = target.writable.getWriter();
  }

  /**
   * Settles when the system has taken all of the chunk. One call at a time.
   *
   * @param chunk Borrowed until then.
   * @throws {TransportError} The error of the connection.
   */
  write(chunk: Uint8Array): Promise<void> {
    this.#last = this.#reply === undefined
      ? this.#write(chunk)
      : this.#reply.then(() => this.#write(chunk));
    return this.#last;
  }

  /**
   * Writes without waiting, as `Connection.tryWrite` does; works with every
   * adapter.
   *
   * @param chunk Borrowed until all of it is taken. The rest must be offered
   * again before anything else.
   * @returns The number of bytes taken.
   * @throws {TransportError} The error of the connection.
   */
  tryWrite(chunk: Uint8Array): number {
    if (this.#target.tryWrite !== undefined) {
      return this.#target.tryWrite(chunk);
    }
    const handed = this.#handed ??= this.#hand(chunk);
    if (handed.isPending) return 0;
    this.#handed = undefined;
    if (handed.hasFailed) throw handed.error;
    return chunk.length;
  }

  /**
   * Writes without waiting, if the adapter can; no other write may be pending.
   *
   * @returns The rest, which must still be written; usually empty.
   * @throws {TransportError} The error of the connection.
   */
  writeNow(chunk: Uint8Array): Uint8Array {
    const taken = this.#target.tryWrite?.(chunk) ?? 0;
    return taken === 0 ? chunk : chunk.subarray(taken);
  }

  /**
   * Writes a session's own reply between two calls of {@link ByteWriter.write}.
   *
   * @param chunk Borrowed until it settles.
   * @throws {TransportError} The error of the connection.
   */
  async reply(chunk: Uint8Array): Promise<void> {
    const write = (): Promise<void> => this.#write(chunk);
    const before = this.#reply ?? this.#last;
    const reply = before === undefined ? write() : before.then(write);
    this.#reply = reply;
    await reply;
    if (this.#reply === reply) this.#reply = undefined;
  }

  /** Half-closes: sends a FIN after everything written. */
  close(): Promise<void> {
    return this.#reply === undefined
      ? this.#end()
      : this.#reply.then(() => this.#end());
  }

  #end(): Promise<void> {
    return this.#writer?.close() ?? this.#target.closeWrite();
  }

  #hand(chunk: Uint8Array): Handed {
    const handed = new Handed();
    this.write(chunk).then(() => this.#settled(handed), (error) => {
      handed.hasFailed = true;
      handed.error = error;
      this.#settled(handed);
    });
    return handed;
  }

  #settled(handed: Handed): void {
    handed.isPending = false;
    this.onReady?.();
  }

  #write(chunk: Uint8Array): Promise<void> {
    return this.#writer?.write(chunk) ?? this.#target.write!(chunk);
  }
}

/** The result of a chunk that is written by a promise. */
class Handed {
  isPending = true;
  hasFailed = false;
  error: unknown;
}
