/**
 * Describes errors of the file system in words, the same on both runtimes.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { ConfigError } from "../errors.ts";

/** The kind of access that failed. */
export type FileAccess = "read" | "write";

/**
 * Returns why a file could not be read, or a folder not be created or written
 * to.
 *
 * @param error The error of `node:fs`.
 */
export function fileFailure(error: unknown, access: FileAccess): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  switch (code ?? name) {
    case "ENOENT":
      return access === "read"
        ? "the file does not exist"
        : "the folder cannot be created";
    case "EISDIR":
      return "it is a directory";
    case "EEXIST":
    case "ENOTDIR":
      return "a part of the path is a file, not a directory";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EROFS":
      return "the file system is read-only";
    case "ENOSPC":
      return "the disk is full";
    case "NotCapable":
      return `Deno was not granted it; run with --allow-${access}`;
    default:
      return message;
  }
}

/**
 * Returns the error for the operator.
 *
 * @param what What failed: `Cannot read FILE`.
 * @param error The error of `node:fs`.
 */
export function fileError(
  what: string,
  error: unknown,
  access: FileAccess,
): ConfigError {
  const message = `${what}: ${fileFailure(error, access)}`;
  return new ConfigError("ERR_CONFIG_FILE", message, { cause: error });
}

/**
 * Reads a file.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
export function readBytes(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw fileError(`Cannot read ${path}`, error, "read");
  }
}
