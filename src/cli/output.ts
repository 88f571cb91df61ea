/**
 * Standard output and standard error, the same way on both runtimes.
 *
 * @module
 */
import { writeSync } from "node:fs";
import process from "node:process";

/** File descriptor of standard error. */
const STDERR = 2;

/**
 * Lets the program outlive readers of its output: with `umbra help | head`
 * there is no reader left.
 */
export function tolerateClosedPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (!isClosedPipe(error)) throw error;
  });
}

/**
 * Writes a last word to standard error, at once. Where that cannot be, since the disk of
 * the log is full or its reader has gone, the text is lost: there is no reader
 * left to tell, and traffic goes on.
 *
 * Not by `process.stderr`: under Deno a write that fails throws, and every
 * later one waits in memory.
 */
export function complain(text: string): void {
  const bytes = new TextEncoder().encode(text);
  try {
    for (let at = 0; at < bytes.length;) {
      at += writeSync(STDERR, bytes, at);
    }
  } catch {
    // See above.
  }
}

/** Writes to standard output; done when the system has it. */
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
