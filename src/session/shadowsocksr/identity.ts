/**
 * The identity of a client in the headers of ShadowsocksR: an id that is drawn
 * at its start, and a count of its connections.
 *
 * @module
 */
import type { RandomBytes } from "../../random.ts";
import { SESSION_ID_LENGTH } from "./obfs/tls_messages.ts";

/**
 * The count after which a client draws a new id, as in the original programs.
 */
const LAST_CONNECTION = 0xff000000;

/** The identity of one client, shared by all its connections. */
export class SsrIdentity {
  /** The session id for the TLS disguise: 32 bytes. */
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

  /** Returns the ids of the next connection: 4 bytes, and a 32-bit count. */
  next(): { readonly client: Uint8Array; readonly connection: number } {
    if (this.#connection > LAST_CONNECTION) {
      this.#client = this.#randomBytes(4);
      this.#connection = this.#drawCount();
    }
    return { client: this.#client, connection: this.#connection++ };
  }

  /** Draws a 24-bit number. */
  #drawCount(): number {
    const [a, b, c] = this.#randomBytes(3);
    return (a! << 16) | (b! << 8) | c!;
  }
}
