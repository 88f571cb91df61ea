/**
 * Decrypts the sealed stream of one direction.
 *
 * Wire form: see `chunk_sealer.ts`. Source: Shadowsocks AEAD ciphers, "TCP".
 *
 * @module
 */
import { type Allocate, allocateFresh } from "../buffer_pool.ts";
import { NOTHING, readU16, viewOf } from "../bytes.ts";
import type { Aead, MasterKey } from "../crypto/aead.ts";
import { NonceCounter } from "../crypto/nonce_counter.ts";
import { ProtocolError } from "../errors.ts";
import { TAG_LENGTH } from "../limits.ts";

const LENGTH_UNIT: number = 2 + TAG_LENGTH;

/** Shared by all openers: it is written and read within one call. */
const LENGTH = new Uint8Array(2);

/** The state of a direction of the 2022 edition after its headers. */
export interface OpenedHeaders {
  /** Key of the direction; the opener frees it. */
  readonly aead: Aead;
  /** The nonce counter after the headers. */
  readonly nonce: NonceCounter;
  /**
   * Payload bytes of the chunk whose length was in the header. If not set, a
   * length chunk follows.
   */
  readonly payloadLength?: number;
}

/**
 * Opens one direction of one session.
 *
 * The stream is a sequence of units: the salt, then length chunks and payload
 * chunks in turn. An incomplete unit waits in a buffer of its own size, at most
 * 16,399 bytes, or 65,551 in the 2022 edition.
 */
export class ChunkOpener {
  readonly #masterKey: MasterKey;
  readonly #nonce: NonceCounter;
  readonly #maxPayload: number;
  #aead: Aead | undefined;
  /** Bytes of the next unit. */
  #need: number;
  #awaitsLength: boolean;
  /** Bytes of that unit that have been received. */
  #have = 0;
  /**
   * Memory for those bytes, or for those of an earlier unit while one call
   * opens several: in a fast stream, every read ends inside a unit.
   */
  #memory: Uint8Array | undefined;
  #failure: Error | undefined;
  #freed = false;

  /**
   * Starts before the salt, or after the headers.
   *
   * @param masterKey Key and method.
   * @param after The state after the headers; if not set, nothing has been
   * opened.
   */
  constructor(masterKey: MasterKey, after?: OpenedHeaders) {
    this.#masterKey = masterKey;
    this.#maxPayload = masterKey.method.family.maxChunk;
    this.#nonce = after?.nonce ??
      new NonceCounter(masterKey.method.nonceLength);
    this.#aead = after?.aead;
    this.#awaitsLength = after?.payloadLength === undefined;
    this.#need = after === undefined
      ? masterKey.method.saltLength
      : after.payloadLength === undefined
      ? LENGTH_UNIT
      : checkedLength(after.payloadLength, this.#maxPayload) + TAG_LENGTH;
  }

  /**
   * Opens bytes as they arrive, split anywhere.
   *
   * Time: linear. Space: the result and one partial unit.
   *
   * @param bytes Borrowed.
   * @param allocate Allocates the result; default: new memory.
   * @returns All complete payload, in one array that the caller owns. It is
   * empty if more bytes are needed, which is not an error.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`,
   * `ERR_SS_LENGTH_RESERVED_BITS`, `ERR_SS_LENGTH_ZERO`. Every later call
   * throws the same error.
   */
  open(bytes: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    this.#checkAlive();
    try {
      return this.#openAll(bytes, allocate);
    } catch (error) {
      this.#failure = error as Error;
      this.free();
      throw error;
    }
  }

  /**
   * Reports the end of the stream.
   *
   * A stream without any byte is complete, because a server sends nothing if it
   * cannot reach the target.
   *
   * @throws {ProtocolError} `ERR_SS_TRUNCATED` if the stream ended inside a
   * chunk or inside the salt.
   */
  end(): void {
    this.#checkAlive();
    if (this.#have > 0 || !this.#awaitsLength) {
      throw new ProtocolError(
        "ERR_SS_TRUNCATED",
        `Cannot open stream: it ended inside a unit, ${
          this.#need - this.#have
        } of ${this.#need} bytes are missing`,
      );
    }
  }

  /** Returns the key to its provider. Idempotent. */
  free(): void {
    this.#freed = true;
    this.#memory = undefined;
    this.#aead?.free();
  }

  #checkAlive(): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#freed) throw new TypeError("Cannot open: opener was freed");
  }

  #openAll(bytes: Uint8Array, allocate: Allocate): Uint8Array {
    if (this.#have + bytes.length < this.#need) {
      this.#keep(bytes);
      return NOTHING;
    }
    const out = allocate(this.#have + bytes.length);
    let outLength = 0;
    let at = 0;
    while (at < bytes.length) {
      const missing = this.#need - this.#have;
      const taken = viewOf(bytes, at, Math.min(bytes.length, at + missing));
      at += taken.length;
      if (taken.length < missing) {
        this.#keep(taken);
        break;
      }
      outLength = this.#openUnit(this.#complete(taken), out, outLength);
    }
    if (this.#have === 0) this.#memory = undefined;
    return viewOf(out, 0, outLength);
  }

  /** Keeps the beginning of a unit until the rest arrives. */
  #keep(part: Uint8Array): void {
    if (this.#have === 0) this.#makeRoom();
    this.#memory!.set(part, this.#have);
    this.#have += part.length;
  }

  /** Provides memory for a unit, which is not much larger than the unit. */
  #makeRoom(): void {
    const size = this.#memory?.length ?? 0;
    if (size < this.#need || size > 2 * this.#need) {
      this.#memory = new Uint8Array(this.#need);
    }
  }

  /** Returns the complete unit; `last` is its missing part. */
  #complete(last: Uint8Array): Uint8Array {
    if (this.#have === 0) return last;
    const memory = this.#memory!;
    memory.set(last, this.#have);
    this.#have = 0;
    return viewOf(memory, 0, this.#need);
  }

  /** Opens one unit and returns the new length of `out`. */
  #openUnit(unit: Uint8Array, out: Uint8Array, outLength: number): number {
    if (this.#aead === undefined) {
      this.#aead = this.#masterKey.sessionAead(unit);
      this.#need = LENGTH_UNIT;
      return outLength;
    }
    if (this.#awaitsLength) {
      this.#authenticate(this.#aead, unit, LENGTH);
      this.#need = checkedLength(readU16(LENGTH, 0), this.#maxPayload) +
        TAG_LENGTH;
      this.#awaitsLength = false;
      return outLength;
    }
    const end = outLength + unit.length - TAG_LENGTH;
    this.#authenticate(this.#aead, unit, viewOf(out, outLength, end));
    this.#need = LENGTH_UNIT;
    this.#awaitsLength = true;
    return end;
  }

  #authenticate(aead: Aead, unit: Uint8Array, out: Uint8Array): void {
    if (aead.open(this.#nonce.next(), unit, out)) return;
    throw new ProtocolError(
      "ERR_SS_AUTHENTICATION",
      `Cannot open ${
        this.#awaitsLength ? "length" : "payload"
      } chunk: its tag does not verify`,
    );
  }
}

function checkedLength(length: number, maxPayload: number): number {
  if (length > maxPayload) {
    throw new ProtocolError(
      "ERR_SS_LENGTH_RESERVED_BITS",
      `Cannot open chunk: length 0x${length.toString(16)} uses reserved bits`,
    );
  }
  if (length === 0) {
    throw new ProtocolError(
      "ERR_SS_LENGTH_ZERO",
      "Cannot open chunk: length is 0",
    );
  }
  return length;
}
