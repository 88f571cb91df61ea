/**
 * `ChunkSealer` and `ChunkOpener` as Web Streams.
 *
 * @module
 */
import type { ChunkOpener } from "../codec/chunk_opener.ts";
import type { ChunkSealer } from "../codec/chunk_sealer.ts";

/**
 * Encrypts a stream: one output chunk for each input chunk.
 *
 * Ownership: the stream frees the sealer when it ends, fails or is cancelled.
 *
 * @param sealer Only this stream may use it from now on.
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

/**
 * Decrypts a stream: one output chunk for all payload that an input chunk
 * completes.
 *
 * The stream fails with the opener's `ProtocolError` if the input is invalid or
 * ends inside a unit.
 *
 * Ownership: the stream frees the opener when it ends, fails or is cancelled.
 *
 * @param opener Only this stream may use it from now on.
 */
export function openStream(
  opener: ChunkOpener,
): TransformStream<Uint8Array, Uint8Array> {
  const transformer: Cancellable = {
    transform(bytes, controller): void {
      const payload = opener.open(bytes);
      if (payload.length > 0) controller.enqueue(payload);
    },
    flush(): void {
      try {
        opener.end();
      } finally {
        opener.free();
      }
    },
    cancel: () => opener.free(),
  };
  return new TransformStream(transformer);
}

/**
 * A transformer with a hook of the Streams standard that TypeScript's types
 * lack.
 */
interface Cancellable extends Transformer<Uint8Array, Uint8Array> {
  cancel(): void;
}
