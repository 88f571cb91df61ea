/**
 * Reads and discards bytes, so that a connection stays open without an answer.
 *
 * @module
 */
import type { StopSignal } from "../on_abort.ts";
import type { ByteReader } from "./byte_reader.ts";

/**
 * Reads and discards everything until the stream ends, fails, or the signal
 * aborts.
 *
 * When a socket with unread data is closed, the kernel sends a RST, otherwise a
 * FIN; a probe could see how much was read. Therefore everything is read, from
 * the raw connection and not through a decoder, which would fail again.
 *
 * @param reader The reader of the raw connection.
 * @param signal Its abort ends the drain without an error.
 * @returns The number of discarded bytes.
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
    // The peer has reset the connection, or the time is up; neither needs a
    // report.
  }
  return discarded;
}
