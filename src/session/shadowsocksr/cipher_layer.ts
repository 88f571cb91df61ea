/**
 * The stream cipher between protocol and obfs: each direction is an
 * initialization vector and one unbroken stream.
 *
 * Security: hides, but authenticates nothing.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import type { KeyStream } from "../../crypto/key_stream.ts";
import { ProtocolError } from "../../errors.ts";
import type { RandomBytes } from "../../random.ts";
import type { SsrKey } from "./ssr_key.ts";
import { type Layer, NOTHING, type Step } from "./step.ts";
import type { Ivs } from "./world.ts";

/** Both directions. */
export class CipherLayer implements Layer, Ivs {
  /** See {@link Ivs.sent}. */
  readonly sent: Uint8Array;
  readonly #key: SsrKey;
  readonly #onSend: (iv: Uint8Array) => void;
  readonly #received: UnitBuffer;
  #encrypt: KeyStream | undefined;
  #decrypt: KeyStream | undefined;

  /**
   * Draws our initialization vector.
   *
   * @param onSend Called with it once, when it is used.
   */
  constructor(
    key: SsrKey,
    randomBytes: RandomBytes,
    onSend: (iv: Uint8Array) => void = () => {},
  ) {
    this.#key = key;
    this.#onSend = onSend;
    this.sent = randomBytes(key.method.ivLength);
    this.#received = new UnitBuffer(key.method.ivLength);
  }

  /** See {@link Ivs.received}. */
  get received(): Uint8Array {
    return this.#received.unit;
  }

  seal(payload: Uint8Array): Uint8Array {
    if (payload.length === 0) return payload;
    const isFirst = this.#encrypt === undefined;
    if (isFirst) this.#onSend(this.sent);
    this.#encrypt ??= this.#key.keyStream(this.sent, "encrypt");
    const out = concat(isFirst ? this.sent : NOTHING, payload);
    this.#encrypt.apply(payload, out.subarray(out.length - payload.length));
    return out;
  }

  open(bytes: Uint8Array): Step {
    const rest = this.#received.take(bytes);
    if (rest === undefined) return { payload: NOTHING };
    this.#decrypt ??= this.#key.keyStream(this.#received.unit, "decrypt");
    const payload = new Uint8Array(rest.length);
    this.#decrypt.apply(rest, payload);
    return { payload };
  }

  end(): void {
    if (this.#received.missing === 0 || this.#received.length === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      "Cannot open stream: it ended inside the initialization vector",
    );
  }

  /** Gives the key streams back. Idempotent. */
  free(): void {
    this.#encrypt?.free();
    this.#decrypt?.free();
  }
}
