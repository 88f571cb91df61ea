/**
 * What a client calls itself in the headers of ShadowsocksR: an id that it
 * draws when it starts, and a count of its connections.
 *
 * @module
 */
import type { RandomBytes } from "../../random.ts";
import { SESSION_ID_LENGTH } from "./obfs/tls_messages.ts";

/** Connections after which a client draws a new id, as the originals do. */
const LAST_CONNECTION = 0xff000000;

/** One client, shared by all its connections. */
export class SsrIdentity {
  /** The session id of the disguise as TLS: 32 bytes. */
  readonly sessionId: Uint8Array;
  readonly #randomBytes: RandomBytes;
  #client: Uint8Array;
  #connection: number;

  /** Draws the ids. */
  constructor(randomBytes: RandomBytes) {
    this.#randomBytes = randomBytes;
    this.sessionId = randomBytes(SESSION_ID_LENGTH);
    this.#client = randomBytes(4);
    this.#connection = this.#drawCount();
  }

  /** The ids of the next connection: 4 bytes, and 32 bits. */
  next(): { readonly client: Uint8Array; readonly connection: number } {
    if (this.#connection > LAST_CONNECTION) {
      this.#client = this.#randomBytes(4);
      this.#connection = this.#drawCount();
    }
    return { client: this.#client, connection: this.#connection++ };
  }

  /** 24 bits. */
  #drawCount(): number {
    const [a, b, c] = this.#randomBytes(3);
    return (a! << 16) | (b! << 8) | c!;
  }
}
