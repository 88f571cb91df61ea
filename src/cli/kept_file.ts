/**
 * The last good copy of something that is published, on disk for the day its
 * host is silent.
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

/** A kept document. */
export interface Kept {
  /** The document as it was published. */
  readonly bytes: Uint8Array;
  /** Milliseconds since 1970 when it was kept. */
  readonly savedUnixMs: number;
}

/** One file, which only its owner may read. */
export class KeptFile {
  readonly #path: string;

  /** @param path The folders on the way are made when they are needed. */
  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Reads the document; `undefined` when there is none, or it cannot be read.
   */
  read(): Kept | undefined {
    try {
      return {
        bytes: readFileSync(this.#path),
        savedUnixMs: statSync(this.#path).mtimeMs,
      };
    } catch {
      // It only ever stands in for what has failed, and the log says so.
      return undefined;
    }
  }

  /** Keeps nothing any more. */
  remove(): void {
    rmSync(this.#path, { force: true });
  }

  /**
   * Takes the place of what is kept, all or nothing.
   *
   * @throws {Error} With the path, and what the file system says.
   */
  write(bytes: Uint8Array): void {
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      const temporary = `${this.#path}.${process.pid}`;
      // One that was left behind may be readable for others.
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
