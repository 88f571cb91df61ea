/**
 * Layers between a session and the connection, such as obfuscations. Each layer
 * converts the bytes above it into the bytes below it, and may answer the peer
 * itself.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import { concat, NOTHING } from "../bytes.ts";
import type { Address } from "../codec/address.ts";
import type { ErrorCode } from "../errors.ts";
import { LayerScratch } from "./layer_scratch.ts";
import type {
  AcceptStep,
  ClientSession,
  ServerSession,
  Step,
  StreamSession,
} from "./stream_protocol.ts";

/** One layer of one connection, without I/O. */
export interface Layer {
  /** The greeting, see {@link StreamSession.greeting}; default: none. */
  readonly greeting?: Uint8Array;
  /**
   * True if the layer waits, see {@link StreamSession.isWaiting}; default:
   * false.
   */
  readonly isWaiting?: boolean;
  /**
   * Wraps bytes on their way to the connection.
   *
   * @param bytes Borrowed; may be empty.
   * @param allocate Allocates the result, at most once; default: new memory.
   * @returns The allocated or the same bytes; empty if the layer holds them
   * back.
   */
  wrap(bytes: Uint8Array, allocate?: Allocate): Uint8Array;
  /**
   * Unwraps bytes on their way to the session.
   *
   * @param bytes Borrowed, split anywhere; the layer copies what it keeps.
   * @param allocate Allocates the payload, at most once; default: new memory.
   * @returns The complete payload, and bytes that must be sent to the peer now.
   * @throws {ProtocolError} If the layer does not expect the bytes.
   */
  unwrap(bytes: Uint8Array, allocate?: Allocate): Step;
  /**
   * Reports the end of the peer's bytes.
   *
   * @throws {ProtocolError} If they end inside a unit.
   */
  end(): void;
}

/** The scratch memory of this thread. */
const SCRATCH = new LayerScratch();

/** The common part of clients and servers. */
class LayerStack implements StreamSession {
  readonly #session: StreamSession;
  readonly #layers: readonly Layer[];

  constructor(session: StreamSession, layers: readonly Layer[]) {
    this.#session = session;
    this.#layers = layers;
  }

  get greeting(): Uint8Array {
    let bytes = this.#session.greeting ?? NOTHING;
    for (const layer of this.#layers) {
      const wrapped = bytes.length > 0 ? layer.wrap(bytes) : bytes;
      bytes = concat(layer.greeting ?? NOTHING, wrapped);
    }
    return bytes;
  }

  get isWaiting(): boolean {
    return this.#session.isWaiting === true ||
      this.#layers.some(({ isWaiting }) => isWaiting === true);
  }

  seal(payload: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    let bytes = this.#session.seal(payload);
    const last = this.#layers.length - 1;
    for (let i = 0; i <= last; i++) {
      bytes = this.#layers[i]!
        .wrap(bytes, i < last ? SCRATCH.take : allocate);
    }
    return SCRATCH.keep(bytes, allocate);
  }

  open(bytes: Uint8Array, allocate: Allocate = allocateFresh): Step {
    return this.through<Step>(
      bytes,
      (payload) => this.#session.open(payload),
      { payload: NOTHING },
      allocate,
    );
  }

  end(): void {
    for (const layer of this.#layers.toReversed()) layer.end();
    this.#session.end();
  }

  free(): void {
    this.#session.free();
  }

  /** Passes bytes from the session, or from a layer, to the connection. */
  protected down(bytes: Uint8Array, from = 0): Uint8Array {
    let wrapped = bytes;
    for (const layer of this.#layers.slice(from)) wrapped = layer.wrap(wrapped);
    return wrapped;
  }

  /**
   * Passes bytes from the connection to the session, and its replies back.
   *
   * @param take Passes bytes to the session.
   * @param none The step if the layers return no bytes for the session.
   * @param allocate Allocates the payload.
   */
  protected through<S extends { readonly reply?: Uint8Array }>(
    bytes: Uint8Array,
    take: (payload: Uint8Array) => S,
    none: S,
    allocate: Allocate = allocateFresh,
  ): S {
    const { payload, reply = NOTHING } = this.#up(bytes, allocate);
    const step = payload.length === 0 ? none : take(payload);
    const own = step.reply === undefined ? NOTHING : this.down(step.reply);
    const all = concat(reply, own);
    return all.length === 0 ? step : { ...step, reply: all };
  }

  /**
   * Passes bytes from the connection to the session. A layer's reply passes the
   * layers below it.
   */
  #up(bytes: Uint8Array, allocate: Allocate): Step {
    let payload = bytes;
    let reply: Uint8Array = NOTHING;
    for (let i = this.#layers.length - 1; i >= 0; i--) {
      const step = this.#layers[i]!
        .unwrap(payload, i > 0 ? SCRATCH.take : allocate);
      if (step.reply) reply = concat(reply, this.down(step.reply, i + 1));
      payload = step.payload;
      if (payload.length === 0) break;
    }
    return { payload: SCRATCH.keep(payload, allocate), reply };
  }
}

/** A client's session with layers. */
export class LayeredClient extends LayerStack implements ClientSession {
  readonly #client: ClientSession;

  /** @param layers The layer next to the session comes first. */
  constructor(session: ClientSession, layers: readonly Layer[]) {
    super(session, layers);
    this.#client = session;
  }

  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.down(this.#client.request(address, payload));
  }
}

/** A server's session with layers. */
export class LayeredServer extends LayerStack implements ServerSession {
  readonly #server: ServerSession;

  /** @param layers The layer next to the session comes first. */
  constructor(session: ServerSession, layers: readonly Layer[]) {
    super(session, layers);
    this.#server = session;
  }

  accept(bytes: Uint8Array): AcceptStep {
    return this.through<AcceptStep>(
      bytes,
      (payload) => this.#server.accept(payload),
      {},
    );
  }

  answer(code?: ErrorCode): Uint8Array {
    return this.down(this.#server.answer?.(code) ?? NOTHING);
  }
}
