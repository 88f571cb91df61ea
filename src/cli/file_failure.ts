/**
 * What the file system says no with, in words, the same on both runtimes.
 *
 * @module
 */

/** The kind of access that was tried. */
export type FileAccess = "read" | "write";

/**
 * Why a file could not be read, or a folder not be made or written to.
 *
 * @param error As `node:fs` throws it.
 */
export function fileFailure(error: unknown, access: FileAccess): string {
  const { code, name, message } = error as NodeJS.ErrnoException;
  switch (code ?? name) {
    case "ENOENT":
      return access === "read"
        ? "there is no such file"
        : "no folder can be made there";
    case "EISDIR":
      return "it is a directory";
    case "EEXIST":
    case "ENOTDIR":
      return "there is a file where a directory should be";
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
