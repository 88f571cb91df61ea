/**
 * The last good list of servers, on disk for the day its host is silent.
 *
 * @module
 */
import { createHash } from "node:crypto";
import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { fileFailure } from "../file_failure.ts";

/** A list as it was kept. */
export interface KeptList {
  /** As it was published. */
  readonly text: string;
  /** When; milliseconds since 1970. */
  readonly savedUnixMs: number;
}

/** One file, which only its owner may read. */
export class OnlineCache {
  readonly #path: string;

  /** @param path The folders on the way are made when they are needed. */
  constructor(path: string) {
    this.#path = path;
  }

  /** What is kept; `undefined` when nothing is, or nothing can be read. */
  read(): KeptList | undefined {
    try {
      return {
        text: readFileSync(this.#path, "utf8"),
        savedUnixMs: statSync(this.#path).mtimeMs,
      };
    } catch {
      // It only ever stands in for what has failed, and that is told.
      return undefined;
    }
  }

  /**
   * Takes the place of what is kept, all or nothing.
   *
   * @throws {Error} With the path, and what the file system says.
   */
  write(text: string): void {
    try {
      this.#replace(text);
    } catch (error) {
      throw new Error(`${this.#path}: ${fileFailure(error, "write")}`, {
        cause: error,
      });
    }
  }

  #replace(text: string): void {
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
    const temporary = `${this.#path}.${process.pid}`;
    // One that was left behind may be readable for others.
    rmSync(temporary, { force: true });
    writeFileSync(temporary, text, { mode: 0o600 });
    renameSync(temporary, this.#path);
  }
}

/**
 * Where a list is kept unless told: a file for each address, whose name does
 * not tell the address.
 *
 * @returns `undefined` when the environment names no folder for such files.
 */
export function defaultCachePath(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const { XDG_CACHE_HOME: cache, HOME: home, LOCALAPPDATA: local } =
    environment;
  const folder = cache || (home && join(home, ".cache")) || local;
  if (!folder) return undefined;
  const name = createHash("sha256").update(url.href).digest("hex");
  return join(folder, "umbra", `${name.slice(0, 32)}.json`);
}
