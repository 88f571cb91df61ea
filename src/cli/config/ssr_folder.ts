/**
 * The folder of an installation of ShadowsocksR: its settings, and its users in
 * a file of their own.
 *
 * @module
 */
import { join } from "node:path";
import { ConfigError } from "../../errors.ts";
import type { Sources } from "./secrets.ts";
import { parseStrictJson } from "../../codec/json.ts";

/** The files of a folder that are read. */
export interface SsrFolder {
  /** The path of the settings. */
  readonly settings: string;
  /** The path of the users; not set if there are none. */
  readonly users?: string;
}

/** Names of the settings; only the first existing file is read. */
const SETTINGS = ["user-config.json", "config.json"];

const USERS = "mudb.json";

/**
 * Finds the files of a folder.
 *
 * @returns `undefined` for a file.
 * @throws {ConfigError} For a folder without settings.
 */
export function findSsrFolder(
  path: string,
  sources: Sources,
): SsrFolder | undefined {
  const names = sources.list?.(path);
  if (names === undefined) return undefined;
  const settings = SETTINGS.find((name) => names.includes(name));
  if (settings === undefined) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `${path} is a folder, and has no ${SETTINGS.join(" or ")} of ` +
        "ShadowsocksR: name the file",
    );
  }
  const users = join(path, USERS);
  return {
    settings: join(path, settings),
    ...names.includes(USERS) && hasUsers(sources.readText(users)) && { users },
  };
}

/** False for an empty list, which the original program creates. */
function hasUsers(text: string): boolean {
  const list = parseStrictJson(text);
  return !Array.isArray(list) || list.length > 0;
}
