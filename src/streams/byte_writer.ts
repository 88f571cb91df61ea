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
    return this.#writer?.write(chunk) ?? this.#target.write!(chunk);
  }

  /** Half-close: FIN after everything written. */
  close(): Promise<void> {
    return this.#writer?.close() ?? this.#target.closeWrite();
  }
}
