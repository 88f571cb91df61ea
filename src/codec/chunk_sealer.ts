/**
 * Encrypts one direction of a stream.
 *
 * ```text
 * stream = salt | chunk | chunk …
 * chunk  = seal(length 2) 18 bytes | seal(payload 1..16,383) +16 bytes
 * ```
 *
 * In the 2022 edition there are headers between the salt and the chunks, and a
 * chunk has up to 65,535 bytes.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP"; SIP022 §3.1.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import { concat, viewOf, writeU16 } from "../bytes.ts";
import type { Aead, MasterKey } from "../crypto/aead.ts";
import { NonceCounter } from "../crypto/nonce_counter.ts";
import { MAX_CHUNK_PAYLOAD, TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";

/** Shared by all sealers: it is written and sealed within one call. */
const LENGTH = new Uint8Array(2);

/** Bytes that every chunk adds to its payload. */
const CHUNK_OVERHEAD = 2 + TAG_LENGTH + TAG_LENGTH;

/**
 * Computes the size of the chunks for `payloadLength` bytes, without the salt.
 *
 * @param maxPayload Payload bytes of one chunk; default: that of the 2017
 * edition.
 */
export function sealedLength(
  payloadLength: number,
  maxPayload: number = MAX_CHUNK_PAYLOAD,
): number {
  return payloadLength +
    Math.ceil(payloadLength / maxPayload) * CHUNK_OVERHEAD;
}

/** Seals one direction of one session. */
export class ChunkSealer {
  readonly #aead: Aead;
  readonly #nonce: NonceCounter;
  readonly #maxPayload: number;
  /**
   * Salt of the direction, as long as the method's salt; `undefined` once it
   * was passed on.
   */
  #salt: Uint8Array | undefined;
  #freed = false;

  /**
   * Makes the salt and derives the session's key.
   *
   * @param masterKey Key and method.
   * @param randomBytes Makes the salt; it must never return the same bytes
   * twice.
   */
  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    const { saltLength, nonceLength } = masterKey.method;
    this.#salt = randomBytes(saltLength);
    this.#aead = masterKey.sessionAead(this.#salt);
    this.#nonce = new NonceCounter(nonceLength);
    this.#maxPayload = masterKey.method.family.maxChunk;
  }

  /**
   * The salt of the direction, as long as the method's salt.
   *
   * @throws {TypeError} If the direction has been started.
   */
  get salt(): Uint8Array {
    if (this.#salt !== undefined) return this.#salt;
    throw new TypeError("Cannot start: salt has been sent");
  }

  /**
   * Starts a direction of the 2022 edition. The result contains the salt, the
   * identity headers, and each header sealed as one unit. Chunks follow.
   *
   * @param identity Identity headers; may be empty.
   * @param headers Plaintext of each unit.
   * @throws {TypeError} If the direction has been started.
   */
  start(identity: Uint8Array, headers: readonly Uint8Array[]): Uint8Array {
    const { salt } = this;
    this.#salt = undefined;
    return concat(
      salt,
      identity,
      ...headers.map((header) => {
        const unit = new Uint8Array(header.length + TAG_LENGTH);
        this.#sealUnit(header, unit, 0);
        return unit;
      }),
    );
  }

  /**
   * Seals payload. The first call with any payload also writes the salt.
   *
   * Payload of more than one chunk is split evenly. Otherwise a read whose size
   * is a power of two would end with a chunk of a few bytes.
   *
   * @param payload Borrowed; any length.
   * @param allocate Allocates the result; default: new memory.
   * @returns One array, owned by the caller; empty for empty payload.
   * @throws {TypeError} After {@link ChunkSealer.free}.
   */
  seal(payload: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    if (this.#freed) throw new TypeError("Cannot seal: sealer was freed");
    if (payload.length === 0) return payload;
    let at = this.#salt?.length ?? 0;
    const out = allocate(at + sealedLength(payload.length, this.#maxPayload));
    if (this.#salt !== undefined) out.set(this.#salt);
    this.#salt = undefined;

    const count = Math.ceil(payload.length / this.#maxPayload);
    const size = Math.ceil(payload.length / count);
    for (let start = 0; start < payload.length; start += size) {
      const end = Math.min(payload.length, start + size);
      const part = viewOf(payload, start, end);
      writeU16(LENGTH, 0, part.length);
      at = this.#sealUnit(LENGTH, out, at);
      at = this.#sealUnit(part, out, at);
    }
    return out;
  }

  /** Returns the key to its provider. Idempotent. */
  free(): void {
    this.#freed = true;
    this.#aead.free();
  }

  #sealUnit(plaintext: Uint8Array, out: Uint8Array, at: number): number {
    const end = at + plaintext.length + TAG_LENGTH;
    this.#aead.seal(this.#nonce.next(), plaintext, viewOf(out, at, end));
    return end;
  }
}
