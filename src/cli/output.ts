/**
 * Writes to standard output and standard error, the same way on both runtimes.
 *
 * @module
 */
import { writeSync } from "node:fs";
import process from "node:process";

/** File descriptor of standard error. */
const STDERR = 2;

/**
 * Ignores that the reader of standard output is gone, as after `umbra help |
 * head`.
 */
export function tolerateClosedPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!isClosedPipe(error)) throw error;
  });
}

/**
 * Writes a text to standard error at once. A text that cannot be written,
 * because the disk is full or the reader is gone, is lost: it cannot be
 * reported, and traffic must continue.
 *
 * `process.stderr` is not used: under Deno a failed write throws, and every
 * later write waits in memory.
 */
export function complain(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += writeSync(STDERR, bytes, at);
    }
  } catch {
    // The text is lost; see above.
  }
}

/**
 * Writes to standard output; resolves when the system has accepted the text.
 */
export function print(text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  process.stdout.write(text, (error?: NodeJS.ErrnoException | null) => {
    if (error && !isClosedPipe(error)) reject(error);
    else resolve();
  });
  return promise;
}

function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}
