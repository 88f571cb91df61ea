/**
 * The one writer of a connection, through handshake and relay.
 *
 * @module
 */
import type { Connection } from "../transport.ts";

/** What a {@link ByteWriter} needs of a connection. */
export type WriteTarget = Pick<Connection, "writable" | "write" | "closeWrite">;

/** Writes through the adapter's shortcut, or else through the stream. */
export class ByteWriter {
  readonly #target: WriteTarget;
  #writer: WritableStreamDefaultWriter<Uint8Array> | undefined;
  /** The write that was begun last. */
  #last: Promise<void> | undefined;
  /** A reply that is still to be written, with all before it. */
  #reply: Promise<void> | undefined;

  /**
   * Takes the writing side over for good.
   *
   * @param target Written by nobody else from now on.
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
   * Writes between two calls of {@link ByteWriter.write}, whoever waits for
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
  async close(): Promise<void> {
    await this.#reply;
    await (this.#writer?.close() ?? this.#target.closeWrite());
  }

  #write(chunk: Uint8Array): Promise<void> {
    return this.#writer?.write(chunk) ?? this.#target.write!(chunk);
  }
}
