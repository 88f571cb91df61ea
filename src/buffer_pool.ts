/**
 * Large buffers that are reused. Allocating a large buffer is slow because the
 * system must zero it and map its pages.
 *
 * @module
 */
import { MAX_POOLED_BYTES } from "./limits.ts";

/** Allocates `length` bytes. Their contents are undefined. */
export type Allocate = (length: number) => Uint8Array;

/** An allocator whose arrays need not be given back. */
export const allocateFresh: Allocate = (length): Uint8Array =>
  new Uint8Array(length);

/**
 * Keeps buffers that are given back, up to a bound, and hands them out again.
 *
 * Security: a buffer may hold bytes of another connection. Code that takes a
 * buffer must overwrite all of it before anything reads it. A buffer that is
 * given back must not be in use: give it back only after a write has settled.
 */
export class BufferPool {
  /** Free buffers by size. The size that was used last is at the end. */
  readonly #free = new Map<number, ArrayBuffer[]>();
  #bytes = 0;

  /** Bytes that are kept for reuse; at most `MAX_POOLED_BYTES`. */
  get pooledBytes(): number {
    return this.#bytes;
  }

  /** Returns `length` bytes at the front of a buffer of its size class. */
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
   * Gives back an array that came from {@link BufferPool.take}, or a part of
   * one. Other arrays are left to the garbage collector. When the pool is full,
   * it drops buffers of the size that was used least recently.
   */
  give(bytes: Uint8Array): void {
    // Bun allocates the buffer of a small array when `buffer` is read.
    if (bytes.length < MIN_GIVEN) return;
    const buffer = bytes.buffer;
    const size = buffer.byteLength;
    if (
      !(buffer instanceof ArrayBuffer) || size < MIN_CLASS ||
      size !== sizeClass(size)
    ) return;
    const free = this.#free.get(size) ?? [];
    // Moving this size to the end makes the other sizes give way first.
    this.#free.delete(size);
    this.#free.set(size, free);
    if (!this.#makeRoom(size)) return drop(buffer);
    this.#bytes += size;
    free.push(buffer);
  }

  /**
   * Returns the first `length` bytes of an array from {@link BufferPool.take};
   * the result can be given back. A short result is a copy, and the buffer
   * returns to the pool at once.
   */
  shorten(bytes: Uint8Array, length: number): Uint8Array {
    if (length >= MIN_GIVEN) return bytes.subarray(0, length);
    const few = bytes.slice(0, length);
    this.give(bytes);
    return few;
  }

  /** Drops all free buffers. */
  clear(): void {
    for (const free of this.#free.values()) free.forEach(drop);
    this.#free.clear();
    this.#bytes = 0;
  }

  /**
   * Drops buffers of other sizes. Returns `false` if all are of this size and
   * the pool is full.
   */
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

/** Frees the memory now, without waiting for garbage collection. */
function drop(buffer: ArrayBuffer): void {
  buffer.transfer(0);
}

/** Bytes below which an array is assumed not to come from the pool. */
const MIN_GIVEN = 2_048;

/** Bytes of the smallest class; allocating less costs less than bookkeeping. */
const MIN_CLASS: number = withOverhead(8_192);

/**
 * Returns the smallest class that holds `length`. Classes are powers of two and
 * 1.5 times powers of two, each with some overhead, because an opened payload
 * is one read and the rest of a chunk.
 */
function sizeClass(length: number): number {
  let base = 8_192;
  while (withOverhead(1.5 * base) < length) base *= 2;
  return withOverhead(withOverhead(base) < length ? 1.5 * base : base);
}

/** Sealing makes a power of two a little longer. */
function withOverhead(base: number): number {
  return base + base / 64 + 64;
}
