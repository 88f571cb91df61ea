/**
 * A `ChunkSealer` as a Web Stream.
 *
 * @module
 */
import type { ChunkSealer } from "../codec/chunk_sealer.ts";

/**
 * Seals what passes through: one output chunk for each input chunk.
 *
 * Ownership: the stream frees the sealer when it ends, fails or is cancelled.
 *
 * @param sealer Used by nobody else from now on.
 */
export function sealStream(
  sealer: ChunkSealer,
): TransformStream<Uint8Array, Uint8Array> {
  const transformer: Cancellable = {
    transform(payload, controller): void {
      if (payload.length > 0) controller.enqueue(sealer.seal(payload));
    },
    flush: () => sealer.free(),
    cancel: () => sealer.free(),
  };
  return new TransformStream(transformer);
}

/** With the hook of the Streams standard that TypeScript does not know yet. */
interface Cancellable extends Transformer<Uint8Array, Uint8Array> {
  cancel(): void;
}
