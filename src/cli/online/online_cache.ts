/**
 * The last good list of servers, on disk for the day its host is silent.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { KeptFile } from "../kept_file.ts";

/** A list as it was kept. */
export interface KeptList {
  /** The list as it was published. */
  readonly text: string;
  /** Milliseconds since 1970 when it was kept. */
  readonly savedUnixMs: number;
}

/** One file, which only its owner may read. */
export class OnlineCache {
  readonly #file: KeptFile;

  /** @param path The folders on the way are made when they are needed. */
  constructor(path: string) {
    this.#file = new KeptFile(path);
  }

  /** Reads the list; `undefined` when there is none, or it cannot be read. */
  read(): KeptList | undefined {
    const kept = this.#file.read();
    return kept && {
      text: new TextDecoder().decode(kept.bytes),
      savedUnixMs: kept.savedUnixMs,
    };
  }

  /**
   * Takes the place of what is kept, all or nothing.
   *
   * @throws {Error} With the path, and what the file system says.
   */
  write(text: string): void {
    this.#file.write(new TextEncoder().encode(text));
  }
}

/**
 * Where a list is kept by default: a file for each address, whose name does
 * not tell the address.
 *
 * @param ending Of the file's name.
 * @returns `undefined` when the environment names no folder for such files.
 */
export function defaultCachePath(
  url: URL,
  environment: Readonly<Record<string, string | undefined>>,
  ending = "json",
): string | undefined {
  const { XDG_CACHE_HOME: cache, HOME: home, LOCALAPPDATA: local } =
    environment;
  const folder = cache || (home && join(home, ".cache")) || local;
  if (!folder) return undefined;
  const name = createHash("sha256").update(url.href).digest("hex");
  return join(folder, "umbra", `${name.slice(0, 32)}.${ending}`);
}
