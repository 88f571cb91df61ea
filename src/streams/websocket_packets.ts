/**
 * Packets inside a WebSocket: one message is one packet.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { PolicyError } from "../errors.ts";
import { MAX_WEBSOCKET_PENDING } from "../limits.ts";
import type { Part, WebSocketLink } from "./websocket_link.ts";

/** Packets over a {@link WebSocketLink}. */
export class WebSocketPackets {
  readonly #link: WebSocketLink;
  /** Parts that were read but not returned yet. */
  #parts: Part[] = [];
  #last: Promise<void> = Promise.resolve();
  #pendingBytes = 0;

  /** Makes an object that owns the link. */
  constructor(link: WebSocketLink) {
    this.#link = link;
  }

  /** Settles when the connection is closed. */
  get closed(): Promise<void> {
    return this.#link.closed;
  }

  /**
   * Returns the next packet, or `undefined` when the peer has ended. One call
   * at a time.
   *
   * @throws {ProtocolError} `ERR_WS_FRAME`, `ERR_WS_TRUNCATED`.
   */
  async receive(): Promise<Uint8Array | undefined> {
    const packet: Uint8Array[] = [];
    for (;;) {
      if (this.#parts.length === 0) {
        const parts = await this.#link.read();
        if (parts === undefined) return undefined;
        this.#parts = parts.reverse();
      }
      const part = this.#parts.pop()!;
      packet.push(part.bytes);
      if (part.isLast) {
        return packet.length === 1 ? part.bytes : concat(...packet);
      }
    }
  }

  /**
   * Sends a packet after earlier ones; settles when the system has taken it.
   *
   * @param packet Borrowed until then.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` if too many bytes are waiting.
   */
  send(packet: Uint8Array): Promise<void> {
    if (this.#pendingBytes + packet.length > MAX_WEBSOCKET_PENDING) {
      return Promise.reject(
        new PolicyError(
          "ERR_POLICY_LIMIT",
          "Too many packets are waiting to be written to a WebSocket",
        ),
      );
    }
    this.#pendingBytes += packet.length;
    const sent = this.#last.then(() => this.#link.write(packet))
      .finally(() => this.#pendingBytes -= packet.length);
    // The sender gets the error; the next write is tried independently.
    this.#last = sent.catch(() => {});
    return sent;
  }

  /** Sends the end and closes. Idempotent. */
  close(): void {
    // If the end cannot be sent, the connection is already broken.
    this.#link.closeWrite().catch(() => {});
    this.#link.close();
  }
}
