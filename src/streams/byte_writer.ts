/**
 * The one writer of a connection, through handshake and relay.
 *
 * @module
 */
import type { Connection } from "../transport.ts";

/** The part of a connection that a {@link ByteWriter} needs. */
export type WriteTarget = Pick<
  Connection,
  "writable" | "write" | "tryWrite" | "closeWrite"
>;

/**
 * Writes by promises or at once, through the adapter's shortcuts, or else
 * through the stream.
 */
export class ByteWriter {
  /**
   * Called when a {@link ByteWriter.tryWrite} may go on, where the connection
   * does not tell that itself.
   */
  onReady: (() => void) | undefined;
  readonly #target: WriteTarget;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** The write that was begun last. */
  #last: Promise<void> | undefined;
  /** A chunk of {@link ByteWriter.tryWrite} that is written by a promise. */
  #handed: Handed | undefined;
  /** A reply that is still to be written, with all before it. */
  #reply: Promise<void> | undefined;

  /**
   * Takes the writing side over for good.
   *
   * @param target From now on only this object writes it.
   */
  constructor(target: WriteTarget) {
    this.#target = target;
    if (target.write === undefined) this.#writer = target.writable.getWriter();
  }

  /**
   * Settles when the system has taken all of the chunk. One at a time.
   *
   * @param chunk Borrowed until then.
   * @throws {TransportError} What the connection failed with.
   */
  write(chunk: Uint8Array): Promise<void> {
    this.#last = this.#reply === undefined
      ? this.#write(chunk)
      : this.#reply.then(() => this.#write(chunk));
    return this.#last;
  }

  /**
   * Writes at once, as `Connection.tryWrite` does, whatever the adapter can.
   *
   * @param chunk Borrowed until all of it is taken: what was not is to be
   * offered again, and nothing else before it.
   * @returns Bytes that were taken.
   * @throws {TransportError} What the connection failed with.
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
   * Writes what can be written at once, where the adapter can; nothing else is
   * being written.
   *
   * @returns The rest, which is to be written: mostly nothing.
   * @throws {TransportError} What the connection failed with.
   */
  writeNow(chunk: Uint8Array): Uint8Array {
    const taken = this.#target.tryWrite?.(chunk) ?? 0;
    return taken === 0 ? chunk : chunk.subarray(taken);
  }

  /**
   * Writes between two calls of {@link ByteWriter.write}, whichever code waits for
   * them: what a session answers by itself.
   *
   * @param chunk Borrowed until it settles.
   * @throws {TransportError} What the connection failed with.
   */
  async reply(chunk: Uint8Array): Promise<void> {
    const write = (): Promise<void> => this.#write(chunk);
    const before = this.#reply ?? this.#last;
    const reply = before === undefined ? write() : before.then(write);
    this.#reply = reply;
    await reply;
    if (this.#reply === reply) this.#reply = undefined;
  }

  /** Half-close: FIN after everything written. */
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

/** The outcome of a chunk that is written by a promise. */
class Handed {
  isPending = true;
  hasFailed = false;
  error: unknown;
}
