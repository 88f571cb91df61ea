/**
 * Standard output and standard error, the same way on both runtimes.
 *
 * @module
 */
import process from "node:process";

/**
 * Lets the program outlive readers of its output: with `umbra help | head`,
 * or a log whose reader ended, there is nobody left to tell.
 */
export function tolerateClosedPipes(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (!isClosedPipe(error)) throw error;
    });
  }
}

/** Writes to standard output; done when the system has it. */
export function print(text: string): Promise<void> {
  return write(process.stdout, text);
}

/** Writes to standard error; done when the system has it. */
export function complain(text: string): Promise<void> {
  return write(process.stderr, text);
}

function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.write(text, (error?: NodeJS.ErrnoException | null) => {
    if (error && !isClosedPipe(error)) reject(error);
    else resolve();
  });
  return promise;
}

function isClosedPipe(error: NodeJS.ErrnoException): boolean {
  return error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED";
}
