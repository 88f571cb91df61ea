/**
 * A byte stream inside a WebSocket; the boundaries of messages have no meaning.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import type { Connection, Endpoint } from "../transport.ts";
import type { WebSocketLink } from "./websocket_link.ts";

/** A {@link Connection} over a {@link WebSocketLink}. */
export class WebSocketConnection implements Connection {
  readonly remote: Endpoint;
  readonly #link: WebSocketLink;
  #readable: ReadableStream<Uint8Array> | undefined;
  #writable: WritableStream<Uint8Array> | undefined;

  /**
   * Makes a connection that owns the link.
   *
   * @param remote The address that is reported; default: the peer's.
   */
  constructor(link: WebSocketLink, remote: Endpoint = link.connection.remote) {
    this.#link = link;
    this.remote = remote;
  }

  /** See {@link Connection.local}. */
  get local(): Endpoint {
    return this.#link.connection.local;
  }

  /** See {@link Connection.readable}. */
  get readable(): ReadableStream<Uint8Array> {
    return this.#readable ??= new ReadableStream({
      pull: async (controller) => {
        const chunk = await this.read();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    }, { highWaterMark: 0 });
  }

  /** See {@link Connection.writable}. */
  get writable(): WritableStream<Uint8Array> {
    return this.#writable ??= new WritableStream({
      write: (chunk) => this.write(chunk),
      close: () => this.closeWrite(),
      abort: () => this.close(),
    });
  }

  /** See {@link Connection.read}. */
  async read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const parts = await this.#link.read();
      if (parts === undefined) return undefined;
      const bytes = parts.length === 1
        ? parts[0]!.bytes
        : concat(...parts.map((part) => part.bytes));
      if (bytes.length > 0) return bytes;
    }
  }

  /** See {@link Connection.write}. */
  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.length > 0) await this.#link.write(chunk);
  }

  /** See {@link Connection.recycle}. */
  recycle(chunk: Uint8Array): void {
    this.#link.connection.recycle?.(chunk);
  }

  /** See {@link Connection.closeWrite}. */
  closeWrite(): Promise<void> {
    return this.#link.closeWrite();
  }

  /** See {@link Connection.close}. */
  close(): void {
    this.#link.close();
  }
}
