/**
 * The stream cipher between protocol and obfs. Each direction is an IV and one
 * continuous stream.
 *
 * Security: it encrypts but does not authenticate.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { NOTHING } from "../../bytes.ts";
import { IvStreamOpener, IvStreamSealer } from "../../codec/iv_stream.ts";
import type { RandomBytes } from "../../random.ts";
import type { Layer } from "../layer.ts";
import type { Step } from "../stream_protocol.ts";
import type { SsrKey } from "./ssr_key.ts";
import type { Ivs } from "./world.ts";

/** Both directions. */
export class CipherLayer implements Layer, Ivs {
  /** See {@link Ivs.sent}. */
  readonly sent: Uint8Array;
  readonly #key: SsrKey;
  readonly #onSend: (iv: Uint8Array) => void;
  readonly #opener: IvStreamOpener;
  #sealer: IvStreamSealer | undefined;

  /**
   * Makes a layer with a random IV.
   *
   * @param onSend Called once with this IV, when it is used.
   */
  constructor(
    key: SsrKey,
    randomBytes: RandomBytes,
    onSend: (iv: Uint8Array) => void = () => {},
  ) {
    this.#key = key;
    this.#onSend = onSend;
    this.sent = randomBytes(key.stream.method.ivLength);
    this.#opener = new IvStreamOpener(key.stream);
  }

  /** See {@link Ivs.received}. */
  get received(): Uint8Array {
    return this.#opener.iv ?? NOTHING;
  }

  wrap(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    if (payload.length === 0) return payload;
    if (this.#sealer === undefined) {
      this.#onSend(this.sent);
      this.#sealer = new IvStreamSealer(this.#key.stream, () => this.sent);
    }
    return this.#sealer.seal(payload, allocate);
  }

  unwrap(bytes: Uint8Array, allocate?: Allocate): Step {
    return { payload: this.#opener.open(bytes, allocate) };
  }

  end(): void {
    this.#opener.end();
  }

  /** Releases the key streams. Idempotent. */
  free(): void {
    this.#opener.free();
    this.#sealer?.free();
  }
}

/** What clients and servers inside the layers share: payload is unchanged. */
export class PlainSession {
  /** The layer of the cipher, which the session owns. */
  protected readonly cipher: CipherLayer;

  /** @param cipher Freed with the session. */
  constructor(cipher: CipherLayer) {
    this.cipher = cipher;
  }

  seal(payload: Uint8Array): Uint8Array {
    return payload;
  }

  open(bytes: Uint8Array): Step {
    return { payload: bytes };
  }

  end(): void {
    // The stream has no units that could be truncated.
  }

  free(): void {
    this.cipher.free();
  }
}
