/**
 * Keeps the last good list of servers on disk, for use while its host does not
 * answer.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { KeptFile } from "../kept_file.ts";
import process from "node:process";

/** A list from the file. */
export interface KeptList {
  /** The list as published. */
  readonly text: string;
  /** Time when it was kept, in milliseconds since 1970. */
  readonly savedUnixMs: number;
}

/** One file, which only its owner may read. */
export class OnlineCache {
  readonly #file: KeptFile;

  /**
   * @param path Path of the file. Missing folders are created when the file is
   * written.
   */
  constructor(path: string) {
    this.#file = new KeptFile(path);
  }

  /** Reads the list; `undefined` if there is none or it cannot be read. */
  read(): KeptList | undefined {
    const kept = this.#file.read();
    return kept && {
      text: new TextDecoder().decode(kept.bytes),
      savedUnixMs: kept.savedUnixMs,
    };
  }

  /**
   * Replaces the list atomically.
   *
   * @throws {Error} With the path and the reason of the file system.
   */
  write(text: string): void {
    this.#file.write(new TextEncoder().encode(text));
  }
}

/**
 * Returns the default path of a list: one file for each address. The name of
 * the file does not reveal the address.
 *
 * @param ending Ending of the file's name.
 * @returns `undefined` if the environment names no cache folder.
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

/** Returns the default path of a list, in the environment of this process. */
export function cachePath(url: URL, ending?: string): string | undefined {
  try {
    return defaultCachePath(url, process.env, ending);
  } catch {
    // Deno without --allow-env cannot read the environment: no folder is known.
    return undefined;
  }
}
