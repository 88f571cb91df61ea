/**
 * Standard error, for code that must not wait for its reader.
 *
 * @module
 */
import { write } from "node:fs";

/** File descriptor of standard error. */
const STDERR = 2;

/** Milliseconds until a reader that has taken nothing is tried again. */
const RETRY_MS = 50;

/**
 * Writes some of the bytes to standard error, and holds nothing up when its
 * reader has stopped.
 *
 * @returns How many the system has taken.
 */
export function writeError(bytes: Uint8Array): Promise<number> {
  // Under Deno that of node:fs holds up everything.
  if ("Deno" in globalThis) return Deno.stderr.write(bytes);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  write(STDERR, bytes, (error, count) => {
    if (!error) resolve(count);
    // A socket that does not block: its reader is slow, or has stopped.
    else if (error.code === "EAGAIN") setTimeout(resolve, RETRY_MS, 0);
    else reject(error);
  });
  return promise;
}
