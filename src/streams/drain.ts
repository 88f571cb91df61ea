/**
 * Reading on for the sake of silence.
 *
 * @module
 */
import { abortable } from "../clock.ts";

/**
 * Reads and forgets everything until the stream ends, fails, or time is up.
 *
 * Closing a socket with unread bytes makes the kernel send RST, closing one
 * without sends FIN: a probe could tell how much we read. So all is
 * read, from the raw connection and never through a decoder, which would fail
 * again at once.
 *
 * @param readable Not locked; nothing of it is kept.
 * @param signal Ends the drain; that is not an error.
 * @returns Bytes discarded.
 */
export async function drain(
  readable: ReadableStream<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const reader = readable.getReader();
  let discarded = 0;
  try {
    while (!signal.aborted) {
      const { value, done } = await abortable(reader.read(), signal);
      if (done) break;
      discarded += value.length;
    }
  } catch {
    // A reset by the peer or the end of our patience: either way it is over,
    // and there is nobody to tell.
  } finally {
    reader.releaseLock();
  }
  return discarded;
}
