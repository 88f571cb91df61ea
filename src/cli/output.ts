/**
 * Standard output, standard error and files, the same way on both runtimes.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import process from "node:process";
import { ConfigError } from "../errors.ts";

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

/**
 * Reads a file as UTF-8.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `Cannot read ${path}: ${describeFailure(error)}`,
      { cause: error },
    );
  }
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

function describeFailure(error: unknown): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  switch (code ?? name) {
    case "ENOENT":
      return "there is no such file";
    case "EISDIR":
      return "it is a directory";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "NotCapable":
      return "Deno was not granted it; run with --allow-read";
    default:
      return message;
  }
}
