/**
 * Describes errors of the file system in words, the same on both runtimes.
 *
 * @module
 */

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
