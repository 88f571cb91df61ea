/**
 * A session that reports what passes it.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Address } from "../../../codec/address.ts";
import type { ClientSession, Step } from "../../../session/stream_protocol.ts";

/** The listener to one stream. */
export interface StreamWatch {
  /** Payload was sealed; at least one byte. */
  sent(payloadBytes: number): void;
  /** Payload was opened: the server knows the key. At least one byte. */
  received(payloadBytes: number): void;
  /** The server's stream has ended; nothing more can be expected of it. */
  ended(): void;
  /** The stream was given back. Called once. */
  closed(): void;
}

/** The listener to every stream that is opened. */
export type WatchStream = (target: Address) => StreamWatch;

/** Passes everything on. */
export class WatchedSession implements ClientSession {
  readonly greeting?: Uint8Array;
  readonly #session: ClientSession;
  readonly #watch: StreamWatch;
  #freed = false;

  /** Takes the session over. */
  constructor(session: ClientSession, watch: StreamWatch) {
    this.#session = session;
    this.#watch = watch;
    if (session.greeting !== undefined) this.greeting = session.greeting;
  }

  /** See `StreamSession`. */
  get peerUnixSeconds(): number | undefined {
    return this.#session.peerUnixSeconds;
  }

  /** See `StreamSession`. */
  get isWaiting(): boolean {
    return this.#session.isWaiting === true;
  }

  /** See `ClientSession`. */
  request(address: Address, payload: Uint8Array): Uint8Array {
    if (payload.length > 0) this.#watch.sent(payload.length);
    return this.#session.request(address, payload);
  }

  /** See `StreamSession`. */
  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (payload.length > 0) this.#watch.sent(payload.length);
    return this.#session.seal(payload, allocate);
  }

  /** See `StreamSession`. */
  open(bytes: Uint8Array, allocate?: Allocate): Step {
    const step = this.#session.open(bytes, allocate);
    if (step.payload.length > 0) this.#watch.received(step.payload.length);
    return step;
  }

  /** See `StreamSession`. */
  end(): void {
    this.#watch.ended();
    this.#session.end();
  }

  /** See `StreamSession`. */
  free(): void {
    this.#session.free();
    if (this.#freed) return;
    this.#freed = true;
    this.#watch.closed();
  }
}
