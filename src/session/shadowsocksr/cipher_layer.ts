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
import { ProtocolError } from "../../errors.ts";
import type { RandomBytes } from "../../random.ts";
import { type Layer, NOTHING, type Step } from "./step.ts";
import type { Ivs } from "./world.ts";

/** A method under one key. */
export interface StreamCipher {
  /** Bytes of the initialization vector. */
  readonly ivLength: number;
  /** Starts to encrypt; each call goes on where the last one ended. */
  encryptor(iv: Uint8Array): (bytes: Uint8Array) => Uint8Array;
  /** Starts to decrypt. */
  decryptor(iv: Uint8Array): (bytes: Uint8Array) => Uint8Array;
}

/** Both directions. */
export class CipherLayer implements Layer, Ivs {
  /** See {@link Ivs.sent}. */
  readonly sent: Uint8Array;
  readonly #cipher: StreamCipher;
  readonly #received: UnitBuffer;
  #encrypt: ((bytes: Uint8Array) => Uint8Array) | undefined;
  #decrypt: ((bytes: Uint8Array) => Uint8Array) | undefined;

  /** Draws our initialization vector. */
  constructor(cipher: StreamCipher, randomBytes: RandomBytes) {
    this.#cipher = cipher;
    this.sent = randomBytes(cipher.ivLength);
    this.#received = new UnitBuffer(cipher.ivLength);
  }

  /** See {@link Ivs.received}. */
  get received(): Uint8Array {
    return this.#received.unit;
  }

  seal(payload: Uint8Array): Uint8Array {
    if (payload.length === 0) return payload;
    if (this.#encrypt !== undefined) return this.#encrypt(payload);
    this.#encrypt = this.#cipher.encryptor(this.sent);
    return concat(this.sent, this.#encrypt(payload));
  }

  open(bytes: Uint8Array): Step {
    const rest = this.#received.take(bytes);
    if (rest === undefined) return { payload: NOTHING };
    this.#decrypt ??= this.#cipher.decryptor(this.#received.unit);
    return { payload: this.#decrypt(rest) };
  }

  end(): void {
    if (this.#received.missing === 0 || this.#received.length === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      "Cannot open stream: it ended inside the initialization vector",
    );
  }
}
