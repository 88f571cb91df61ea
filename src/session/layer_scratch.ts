/**
 * Memory for bytes that pass from one layer to the next. It is written and read
 * within one call, so all sessions of a thread share it.
 *
 * Security: it contains bytes of other sessions. A layer must overwrite all
 * that it takes.
 *
 * @module
 */
import type { Allocate } from "../buffer_pool.ts";
import { MAX_LAYER_SCRATCH } from "../limits.ts";

/**
 * Two buffers that are used in turn: a layer reads one and writes the other.
 */
export class LayerScratch {
  #read: Uint8Array = new Uint8Array(0);
  #written: Uint8Array = new Uint8Array(0);

  /** Returns memory that stays valid until it is taken for the second time. */
  readonly take: Allocate = (length): Uint8Array => {
    if (length > MAX_LAYER_SCRATCH) return new Uint8Array(length);
    const next = this.#read.length < length
      ? new Uint8Array(sizeFor(length))
      : this.#read;
    this.#read = this.#written;
    this.#written = next;
    return next.subarray(0, length);
  };

  /**
   * Returns bytes that stay valid: a copy if they are in the scratch memory.
   */
  keep(bytes: Uint8Array, allocate: Allocate): Uint8Array {
    const { buffer } = bytes;
    if (buffer !== this.#read.buffer && buffer !== this.#written.buffer) {
      return bytes;
    }
    const out = allocate(bytes.length);
    out.set(bytes);
    return out;
  }
}

/** Returns a power of two, so that the buffers grow only a few times. */
function sizeFor(length: number): number {
  let size = MIN_SCRATCH;
  while (size < length) size *= 2;
  return Math.min(size, MAX_LAYER_SCRATCH);
}

const MIN_SCRATCH = 16_384;
