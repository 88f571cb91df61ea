/**
 * Reads the bytes of a binary list. A count is accepted only if enough bytes
 * for it follow.
 *
 * @module
 */
import { listError } from "../list_error.ts";

/** A position in bytes, which only moves forward. */
export class ByteCursor {
  readonly #bytes: Uint8Array;
  #at = 0;

  /** @param bytes Borrowed. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** Bytes after the position. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  /** Reads one byte. */
  byte(): number {
    return this.take(1)[0]!;
  }

  /** Reads bytes, which are borrowed. */
  take(length: number): Uint8Array {
    if (length > this.left) throw listError("it is not complete");
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** Reads a number with 7 bits in each byte, the lowest first. */
  uvarint(): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < MAX_VARINT_BYTES; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return this.#checked(value);
      unit *= 128;
    }
    throw listError("it has a number without an end");
  }

  /** Reads a number of 8 bytes, the highest first. */
  u64(): number {
    let value = 0;
    for (const byte of this.take(8)) value = value * 256 + byte;
    return this.#checked(value);
  }

  /**
   * Checks a count of items that follow.
   *
   * @param count The number that was read.
   * @param size The least bytes of one item.
   */
  counted(count: number, size: number): number {
    if (count * size > this.left) throw listError("it is truncated");
    return count;
  }

  #checked(value: number): number {
    if (Number.isSafeInteger(value)) return value;
    throw listError("it has a number that is too large");
  }
}

/** Bytes of the longest 64-bit number. */
const MAX_VARINT_BYTES = 10;
