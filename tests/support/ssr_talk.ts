/**
 * Both ends of ShadowsocksR in conversation.
 *
 * @module
 */
import { concat } from "../../src/bytes.ts";
import type {
  ClientSession,
  ServerSession,
  StreamRequest,
} from "../../src/session/stream_protocol.ts";

/** Cuts a write into reads. */
export type Cut = (bytes: Uint8Array) => readonly Uint8Array[];

const WHOLE: Cut = (bytes) => [bytes];

/** A connection in memory. */
export class Talk {
  readonly client: ClientSession;
  readonly server: ServerSession;
  /** Writes of the client. */
  readonly sent: Uint8Array[] = [];
  /** Writes of the server. */
  readonly answered: Uint8Array[] = [];
  /** Bytes that the target has received. */
  readonly #toTarget: Uint8Array[] = [];
  /** Bytes that the application has received. */
  readonly #toApplication: Uint8Array[] = [];
  readonly #cut: Cut;
  request: StreamRequest | undefined;

  constructor(client: ClientSession, server: ServerSession, cut: Cut = WHOLE) {
    this.client = client;
    this.server = server;
    this.#cut = cut;
  }

  get atTarget(): Uint8Array {
    return concat(...this.#toTarget);
  }

  get atApplication(): Uint8Array {
    return concat(...this.#toApplication);
  }

  /** Writes as the client. */
  up(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.sent.push(bytes);
    for (const part of this.#cut(bytes)) {
      if (this.request === undefined) {
        const { request, reply } = this.server.accept(part);
        if (reply) this.down(reply);
        if (request === undefined) continue;
        this.request = request;
        this.#toTarget.push(request.payload);
      } else {
        const { payload, reply } = this.server.open(part);
        this.#toTarget.push(payload);
        if (reply) this.down(reply);
      }
    }
  }

  /** Writes as the server. */
  down(bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.answered.push(bytes);
    for (const part of this.#cut(bytes)) {
      const { payload, reply } = this.client.open(part);
      this.#toApplication.push(payload);
      if (reply) this.up(reply);
    }
  }
}
