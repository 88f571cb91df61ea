/**
 * Memory for what passes from one layer to the next: it is written and read
 * within one call, so that all sessions of a thread share it.
 *
 * Security: it holds bytes of whatever session was served last; a layer writes
 * all that it takes.
 *
 * @module
 */
import type { Allocate } from "../buffer_pool.ts";
import { MAX_LAYER_SCRATCH } from "../limits.ts";

/** Two buffers in turns: a layer reads one and writes the other. */
export class LayerScratch {
  #read: Uint8Array = new Uint8Array(0);
  #written: Uint8Array = new Uint8Array(0);

  /** Room that is good until it is taken for the second time. */
  readonly take: Allocate = (length): Uint8Array => {
    if (length > MAX_LAYER_SCRATCH) return new Uint8Array(length);
    const next = this.#read.length < length
      ? new Uint8Array(sizeFor(length))
      : this.#read;
    this.#read = this.#written;
    this.#written = next;
    return next.subarray(0, length);
  };

  /** Bytes that stay: copied, where they are of the scratch. */
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

/** A power of two, so that it grows a few times only. */
function sizeFor(length: number): number {
  let size = MIN_SCRATCH;
  while (size < length) size *= 2;
  return Math.min(size, MAX_LAYER_SCRATCH);
}

const MIN_SCRATCH = 16_384;
