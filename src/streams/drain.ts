/**
 * Reading on for the sake of silence.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import type { ByteReader } from "./byte_reader.ts";

/**
 * Reads and forgets everything until the stream ends, fails, or time is up.
 *
 * Closing a socket with unread bytes makes the kernel send RST, closing one
 * without sends FIN: a probe could tell how much we read. So all is
 * read, from the raw connection and never through a decoder, which would fail
 * again at once.
 *
 * @param reader Of the raw connection; nothing it yields is kept.
 * @param signal Ends the drain; that is not an error.
 * @returns Bytes discarded.
 */
export async function drain(
  reader: ByteReader,
  signal: StopSignal,
): Promise<number> {
  let discarded = 0;
  try {
    while (!signal.aborted) {
      const bytes = await reader.read(signal);
      if (bytes === undefined) break;
      discarded += bytes.length;
    }
  } catch {
    // A reset by the peer or the end of our patience: either way it is over,
    // and there is no one to report it to.
  }
  return discarded;
}
