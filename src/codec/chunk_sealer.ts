/**
 * Plaintext to the sealed stream of one direction.
 *
 * ```text
 * stream = salt | chunk | chunk …
 * chunk  = seal(length 2) 18 bytes | seal(payload 1..16,383) +16 bytes
 * ```
 *
 * Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import type { Aead, MasterKey } from "../crypto/aead.ts";
import { NonceCounter } from "../crypto/nonce_counter.ts";
import { MAX_CHUNK_PAYLOAD, TAG_LENGTH } from "../limits.ts";
import type { RandomBytes } from "../random.ts";

/** Bytes every chunk adds to its payload. */
export const CHUNK_OVERHEAD: number = 2 + TAG_LENGTH + TAG_LENGTH;

/** Bytes of the chunks that carry `payloadLength` bytes, without the salt. */
export function sealedLength(payloadLength: number): number {
  return payloadLength + chunkCount(payloadLength) * CHUNK_OVERHEAD;
}

/** Seals one direction of one session. */
export class ChunkSealer {
  readonly #aead: Aead;
  readonly #nonce: NonceCounter;
  readonly #length = new Uint8Array(2);
  #salt: Uint8Array | undefined;
  #freed = false;

  /**
   * Draws the salt and derives the session's key.
   *
   * @param masterKey Key and method.
   * @param randomBytes Makes the salt; it must never repeat one.
   */
  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    const { saltLength, nonceLength } = masterKey.method;
    this.#salt = randomBytes(saltLength);
    this.#aead = masterKey.sessionAead(this.#salt);
    this.#nonce = new NonceCounter(nonceLength);
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
    const salt = this.#salt;
    let at = salt?.length ?? 0;
    const out = allocate(at + sealedLength(payload.length));
    if (salt !== undefined) out.set(salt);
    this.#salt = undefined;

    const count = chunkCount(payload.length);
    const size = Math.ceil(payload.length / count);
    for (let start = 0; start < payload.length; start += size) {
      const part = payload.subarray(start, start + size);
      this.#length[0] = part.length >>> 8;
      this.#length[1] = part.length & 0xff;
      at = this.#sealUnit(this.#length, out, at);
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

function chunkCount(payloadLength: number): number {
  return Math.ceil(payloadLength / MAX_CHUNK_PAYLOAD);
}
