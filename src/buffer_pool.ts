/**
 * Big buffers, used again: allocating them is dear because of their zeros and
 * their page faults, not because of their bytes.
 *
 * @module
 */
import { MAX_POOLED_BYTES } from "./limits.ts";

/** Makes room for so many bytes; what is in it is undefined. */
export type Allocate = (length: number) => Uint8Array;

/** The allocator to which nothing has to be given back. */
export const allocateFresh: Allocate = (length): Uint8Array =>
  new Uint8Array(length);

/**
 * Keeps buffers that are given back, up to a bound, for the next one who takes.
 *
 * Security: a buffer may hold bytes of another connection; code that takes one
 * must write all of it before anybody reads it. One that is given back must
 * not be in use anywhere, so give it back only after a write has settled.
 */
export class BufferPool {
  /** Free buffers by size; the size that was wanted last is at the end. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Bytes kept for later, at most `MAX_POOLED_BYTES`. */
  get pooledBytes(): number {
    return this.#bytes;
  }

  /** Room for `length` bytes, at the front of a buffer of its size class. */
  take: Allocate = (length): Uint8Array => {
    if (length < MIN_CLASS) return new Uint8Array(length);
    const size = sizeClass(length);
    const buffer = this.#free.get(size)?.pop();
    if (buffer === undefined) {
      return new Uint8Array(new ArrayBuffer(size), 0, length);
    }
    this.#bytes -= size;
    return new Uint8Array(buffer, 0, length);
  };

  /**
   * Gives back what came from {@link BufferPool.take}, or a part of it. Other
   * arrays are left to the garbage collector; so is what was not needed for
   * longest, when there is no room.
   */
  give(bytes: Uint8Array): void {
    // Asking Bun for the buffer of a small array makes it build one.
    if (bytes.length < MIN_GIVEN) return;
    const buffer = bytes.buffer;
    const size = buffer.byteLength;
    if (
      !(buffer instanceof ArrayBuffer) || size < MIN_CLASS ||
      size !== sizeClass(size)
    ) return;
    const free = this.#free.get(size) ?? [];
    // Its size is wanted: others make room.
    this.#free.delete(size);
    this.#free.set(size, free);
    if (!this.#makeRoom(size)) return drop(buffer);
    this.#bytes += size;
    free.push(buffer);
  }

  /**
   * What is of use of a buffer that came from {@link BufferPool.take}: the first
   * `length` bytes, which can be given back. A few are copied, and the buffer is
   * taken back at once.
   */
  shorten(bytes: Uint8Array, length: number): Uint8Array {
    if (length >= MIN_GIVEN) return bytes.subarray(0, length);
    const few = bytes.slice(0, length);
    this.give(bytes);
    return few;
  }

  /** Keeps none of those that are here now. */
  clear(): void {
    for (const free of this.#free.values()) free.forEach(drop);
    this.#free.clear();
    this.#bytes = 0;
  }

  /** Drops buffers of other sizes; `false` when all are of this size. */
  #makeRoom(size: number): boolean {
    for (const [other, free] of this.#free) {
      if (other === size) break;
      while (this.#bytes + size > MAX_POOLED_BYTES && free.length > 0) {
        drop(free.pop()!);
        this.#bytes -= other;
      }
    }
    return this.#bytes + size <= MAX_POOLED_BYTES;
  }
}

/** Gives its memory back now, not when garbage is collected. */
function drop(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}

/** Results this small have rarely come from a big buffer. */
const MIN_GIVEN = 2_048;

/** Smaller ones cost less than the bookkeeping. */
const MIN_CLASS: number = withOverhead(8_192);

/**
 * The smallest class that holds `length`: a power of two, or half more, and a
 * bit. What is opened is a read and the rest of a chunk, a little longer than a
 * power of two.
 */
function sizeClass(length: number): number {
  let base = 8_192;
  while (withOverhead(1.5 * base) < length) base *= 2;
  return withOverhead(withOverhead(base) < length ? 1.5 * base : base);
}

/** A sealed power of two is a little longer than the power of two. */
function withOverhead(base: number): number {
  return base + base / 64 + 64;
}
