/**
 * Walks over the bytes of a binary list. No count is believed before the bytes
 * for it are seen.
 *
 * @module
 */
import { listError } from "../list_error.ts";

/** A place in bytes, which only goes forwards. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes Borrowed. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes behind the place. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** The next byte. */
  byte(): number {
    return this.take(1)[0]!;
  }

  /** The next bytes, borrowed. */
  take(length: number): Uint8Array {
    if (length > this.left) throw listError("it is not complete");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** A number of 7 bits a byte, the lowest first. */
  uvarint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return this.#checked(value);
      unit *= 128;
    }
    throw listError("a number in it has no end");
  }

  /** A number of 8 bytes, the highest first. */
  u64(): number {
    let value = 0;
    for (const byte of this.take(8)) value = value * 256 + byte;
    return this.#checked(value);
  }

  /**
   * A count of things that are still to come.
   *
   * @param count As it was read.
   * @param size Bytes of one thing at least.
   */
  counted(count: number, size: number): number {
    if (count * size > this.left) throw listError("it is not complete");
    return count;
  }

  #checked(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    throw listError("a number in it is too large");
  }
}

/** The bytes of the longest number of 64 bits. */
const MAX_VARINT_BYTES = 10;
