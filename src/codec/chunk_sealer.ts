/**
 * Plaintext to the sealed stream of one direction.
 *
 * ```text
 * stream = salt | chunk | chunk …
 * chunk  = seal(length 2) 18 bytes | seal(payload 1..16,383) +16 bytes
 * ```
 *
 * In the 2022 edition headers stand between salt and chunks, and a chunk has
 * up to 65,535 bytes.
 *
 * Source: Shadowsocks AEAD ciphers, "TCP"; SIP022 §3.1.
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import { concat, writeU16 } from "../bytes.ts";
import type { Aead, MasterKey } from "../crypto/aead.ts";
import { NonceCounter } from "../crypto/nonce_counter.ts";
import { MAX_CHUNK_PAYLOAD, TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";

/** One for all sealers: it is sealed before anybody else writes. */
const LENGTH = new Uint8Array(2);

/** Bytes every chunk adds to its payload. */
const CHUNK_OVERHEAD = 2 + TAG_LENGTH + TAG_LENGTH;

/**
 * Bytes of the chunks that carry `payloadLength` bytes, without the salt.
 *
 * @param maxPayload Payload bytes of one chunk; default that of 2017.
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
  /** Salt of the direction; the method's salt length in bytes. */
  readonly salt: Uint8Array;
  #started = false;
  #freed = false;

  /**
   * Draws the salt and derives the session's key.
   *
   * @param masterKey Key and method.
   * @param randomBytes Makes the salt; it must never repeat one.
   */
  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    const { saltLength, nonceLength } = masterKey.method;
    this.salt = randomBytes(saltLength);
    this.#aead = masterKey.sessionAead(this.salt);
    this.#nonce = new NonceCounter(nonceLength);
    this.#maxPayload = masterKey.method.family.maxChunk;
  }

  /**
   * Starts a direction of the 2022 edition: the salt, what is sealed with
   * other keys, and headers, one unit each. Chunks follow.
   *
   * @param identity Identity headers; may be empty.
   * @param headers Plaintext of each unit.
   * @throws {TypeError} When the direction has been started.
   */
  start(identity: Uint8Array, headers: readonly Uint8Array[]): Uint8Array {
    if (this.#started) throw new TypeError("Cannot start: salt has been sent");
    this.#started = true;
    return concat(
      this.salt,
      identity,
      ...headers.map((header) => {
        const unit = new Uint8Array(header.length + TAG_LENGTH);
        this.#sealUnit(header, unit, 0);
        return unit;
      }),
    );
  }

  /**
   * Seals some payload. The first call that has any puts the salt in front.
   *
   * Payload beyond one chunk is split evenly: a power-of-two read would
   * otherwise end in a chunk of a few bytes.
   *
   * @param payload Borrowed; any length.
   * @param allocate Where the result comes from; default: fresh memory.
   * @returns One array, owned by the caller; empty for empty payload.
   * @throws {TypeError} After {@link ChunkSealer.free}.
   */
  seal(payload: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    if (this.#freed) throw new TypeError("Cannot seal: sealer was freed");
    if (payload.length === 0) return payload;
    let at = this.#started ? 0 : this.salt.length;
    const out = allocate(at + sealedLength(payload.length, this.#maxPayload));
    if (!this.#started) out.set(this.salt);
    this.#started = true;

    const count = Math.ceil(payload.length / this.#maxPayload);
    const size = Math.ceil(payload.length / count);
    for (let start = 0; start < payload.length; start += size) {
      const part = payload.subarray(start, start + size);
      writeU16(LENGTH, 0, part.length);
      at = this.#sealUnit(LENGTH, out, at);
      at = this.#sealUnit(part, out, at);
    }
    return out;
  }

  /** Gives the key back to its provider. Idempotent. */
  free(): void {
    this.#freed = true;
    this.#aead.free();
  }

  #sealUnit(plaintext: Uint8Array, out: Uint8Array, at: number): number {
    const end = at + plaintext.length + TAG_LENGTH;
    this.#aead.seal(this.#nonce.next(), plaintext, out.subarray(at, end));
    return end;
  }
}
