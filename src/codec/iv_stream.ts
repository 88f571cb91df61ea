/**
 * One direction of a stream cipher stream (before 2017): an IV, then one
 * encrypted byte for each byte of plaintext.
 *
 * ```text
 * IV 0..24 | encrypted bytes …
 * ```
 *
 * Source: shadowsocks-libev 3.3.5; the method defines the IV's length. Does
 * not: authenticate, or detect the end of the stream.
 *
 * @module
 */
import { NOTHING } from "../bytes.ts";
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import type { KeyStream } from "../crypto/key_stream.ts";
import type { StreamKey } from "../crypto/stream_key.ts";
import { ProtocolError } from "../errors.ts";
import type { RandomBytes } from "../random.ts";
import { UnitBuffer } from "./unit_buffer.ts";

/** Encrypts one direction. */
export class IvStreamSealer {
  readonly #stream: KeyStream;
  readonly #iv: Uint8Array;
  #started = false;
  #freed = false;

  /**
   * Makes the IV.
   *
   * @param randomBytes Makes the IV; it must never return the same bytes twice.
   */
  constructor(key: StreamKey, randomBytes: RandomBytes) {
    this.#iv = randomBytes(key.method.ivLength);
    this.#stream = key.keyStream(this.#iv, "encrypt");
  }

  /**
   * Encrypts payload. The first call with any payload also writes the IV,
   * because peers fail if the IV arrives in two segments.
   *
   * @param payload Borrowed; any length.
   * @param allocate Allocates the result; default: new memory.
   * @returns One array, owned by the caller; empty for empty payload.
   * @throws {TypeError} After {@link IvStreamSealer.free}.
   */
  seal(payload: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    if (this.#freed) throw new TypeError("Cannot seal: sealer was freed");
    if (payload.length === 0) return payload;
    const ivLength = this.#started ? 0 : this.#iv.length;
    const out = allocate(ivLength + payload.length);
    if (!this.#started) out.set(this.#iv);
    this.#started = true;
    this.#stream.apply(payload, ivLength === 0 ? out : out.subarray(ivLength));
    return out;
  }

  /** Returns the key stream to its provider. Idempotent. */
  free(): void {
    this.#freed = true;
    this.#stream.free();
  }
}

/** Decrypts one direction. */
export class IvStreamOpener {
  readonly #key: StreamKey;
  readonly #iv: UnitBuffer;
  #stream: KeyStream | undefined;
  #freed = false;

  /** Makes an opener that waits for the IV. */
  constructor(key: StreamKey) {
    this.#key = key;
    this.#iv = new UnitBuffer(key.method.ivLength);
  }

  /** The IV; `undefined` until it is complete. */
  get iv(): Uint8Array | undefined {
    return this.#iv.missing === 0 ? this.#iv.unit : undefined;
  }

  /**
   * Decrypts bytes of the stream, split anywhere.
   *
   * @param bytes Borrowed.
   * @param allocate Allocates the result; default: new memory.
   * @returns The payload, owned by the caller; empty until the IV is complete.
   * @throws {TypeError} After {@link IvStreamOpener.free}.
   */
  open(bytes: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    if (this.#freed) throw new TypeError("Cannot open: opener was freed");
    let rest: Uint8Array | undefined = bytes;
    if (this.#stream === undefined) {
      rest = this.#iv.take(bytes);
      if (rest === undefined) return NOTHING;
      this.#stream = this.#key.keyStream(this.#iv.unit, "decrypt");
    }
    if (rest.length === 0) return NOTHING;
    const out = allocate(rest.length);
    this.#stream.apply(rest, out);
    return out;
  }

  /**
   * Reports the end of the stream.
   *
   * @throws {ProtocolError} `ERR_SS_TRUNCATED` if it ended inside the IV.
   */
  end(): void {
    if (this.#iv.length === 0 || this.#iv.missing === 0) return;
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      `Cannot open stream: it ended ${this.#iv.missing} bytes before the end of its IV`,
    );
  }

  /** Returns the key stream to its provider. Idempotent. */
  free(): void {
    this.#freed = true;
    this.#stream?.free();
  }
}
