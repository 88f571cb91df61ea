/**
 * A session that reports its traffic.
 *
 * @module
 */
import type { Allocate } from "../../../buffer_pool.ts";
import type { Address } from "../../../codec/address.ts";
import type { ClientSession, Step } from "../../../session/stream_protocol.ts";

/** Receives the events of one stream. */
export interface StreamWatch {
  /** Called with the length of sealed payload, at least one byte. */
  sent(payloadBytes: number): void;
  /**
   * Called with the length of opened payload, at least one byte: the server
   * knows the key.
   */
  received(payloadBytes: number): void;
  /**
   * Called when the server's stream has ended, so that no answer can follow.
   */
  ended(): void;
  /** Called once when the stream is released. */
  closed(): void;
}

/** Makes a watch for every stream that is opened. */
export type WatchStream = (target: Address) => StreamWatch;

/** Passes every call on to a session, and reports it. */
export class WatchedSession implements ClientSession {
  readonly greeting?: Uint8Array;
  readonly #session: ClientSession;
  readonly #watch: StreamWatch;
  #freed = false;

  /** Makes a session that owns another one. */
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
