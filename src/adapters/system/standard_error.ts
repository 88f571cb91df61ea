/**
 * Writes to standard error without waiting for its reader.
 *
 * @module
 */
import { write } from "node:fs";

/** File descriptor of standard error. */
const STDERR = 2;

/** Milliseconds before a write to a full pipe is repeated. */
const RETRY_MS = 50;

/**
 * Writes some of the bytes to standard error. It does not block the thread if
 * the reader has stopped.
 *
 * @returns The number of bytes that the system has accepted.
 */
export function writeError(bytes: Uint8Array): Promise<number> {
  // Under Deno the write of node:fs would block the thread.
  if ("Deno" in globalThis) return Deno.stderr.write(bytes);
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  write(STDERR, bytes, (error, count) => {
    if (!error) resolve(count);
    // The descriptor is a non-blocking socket whose reader is slow or has
    // stopped.
    else if (error.code === "EAGAIN") setTimeout(resolve, RETRY_MS, 0);
    else reject(error);
  });
  return promise;
}
