/**
 * Keeps the last good copy of a published document on disk, for use while its
 * host does not answer.
 *
 * @module
 */
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { fileFailure } from "./file_failure.ts";

/** A document from the file. */
export interface Kept {
  /** The document as published. */
  readonly bytes: Uint8Array;
  /** Time when it was kept, in milliseconds since 1970. */
  readonly savedUnixMs: number;
}

/** One file, which only its owner may read. */
export class KeptFile {
  readonly #path: string;

  /**
   * @param path Path of the file. Missing folders are created when the file is
   * written.
   */
  constructor(path: string) {
    this.#path = path;
  }

  /** Reads the document; `undefined` if there is none or it cannot be read. */
  read(): Kept | undefined {
    try {
      return {
        bytes: readFileSync(this.#path),
        savedUnixMs: statSync(this.#path).mtimeMs,
      };
    } catch {
      // The copy replaces a document that could not be fetched, and that
      // failure is logged.
      return undefined;
    }
  }

  /** Removes the copy. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }

  /**
   * Replaces the copy atomically.
   *
   * @throws {Error} With the path and the reason of the file system.
   */
  write(bytes: Uint8Array): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const temporary = `${this.#path}.${process.pid}`;
      // A file left over by a crash may be readable for other users.
      rmSync(temporary, { force: true });
      writeFileSync(temporary, bytes, { mode: 0o600 });
      renameSync(temporary, this.#path);
    } catch (error) {
      throw new Error(`${this.#path}: ${fileFailure(error, "write")}`, {
        cause: error,
      });
    }
  }
}
