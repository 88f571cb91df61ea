/**
 * The settings of a published list of servers, from the command line and the
 * configuration file. In a file they are shadowsocks-rust's `online_config`,
 * which keeps the address out of the process list; the address gives access
 * like a password.
 *
 * @module
 */
import { isOnlineUrl, parseOnlineUrl } from "../../codec/sip008.ts";
import type { Arguments } from "../options/args.ts";
import { LIST, ONLINE } from "../settings/local.ts";
import { LIST_PLUGINS } from "../settings/plugin.ts";
import { complete, fromObject, fromOptions, merge } from "../settings/read.ts";
import { knownKeys } from "../settings/tables.ts";
import type { ConfigObject } from "./config_file.ts";
import { usage } from "../options/getopt.ts";

/** The settings of a published list. */
export interface OnlineSettings {
  /** The address of the list. Secret, except for the host. */
  readonly url: URL;
  /** Milliseconds between two fetches. */
  readonly refreshMs: number;
  /** Names of the plugins that the list may use. */
  readonly allowedPlugins: readonly string[];
  /** The copy on disk; default: a file in the system's cache folder. */
  readonly cacheFile?: string | undefined;
}

/** The key at the top of a configuration file that names the list. */
const ONLINE_KEY = LIST.online.key!;

/** Returns the object of a file that names the list. */
export function onlineObject(
  file: ConfigObject | undefined,
): ConfigObject | undefined {
  return file?.isEmpty(ONLINE_KEY) ? undefined : file?.child(ONLINE_KEY);
}

/** Returns one warning for each unknown key of {@link onlineObject}. */
export function unknownOnlineKeys(file: ConfigObject | undefined): string[] {
  return onlineObject(file)?.unknownKeys(knownKeys("online")) ?? [];
}

/**
 * Returns the settings of the list, if there is one; an address on the command
 * line overrides the file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function onlineSettings(
  args: Arguments,
  file: ConfigObject | undefined,
): OnlineSettings | undefined {
  const [named, second] = args.operands.filter(isOnlineUrl);
  if (second !== undefined) {
    throw usage("Two addresses of published lists: give one");
  }
  if (file !== undefined) fromObject(LIST, file);
  const object = onlineObject(file);
  const filed = object && fromObject(ONLINE, object, "online");
  const address = named ?? filed?.url;
  if (object !== undefined && address === undefined) {
    throw object.wrong("config_url", "the https address of a list of servers");
  }
  if (address === undefined) return undefined;
  const said = { ...filed, ...fromOptions(ONLINE, args) };
  return {
    url: parseOnlineUrl(address),
    refreshMs: complete(ONLINE, said).refreshMs,
    allowedPlugins: merge(
      fromOptions(LIST_PLUGINS, args),
      object && fromObject(LIST_PLUGINS, object, "online"),
    ).allowed ?? [],
    cacheFile: fromOptions(LIST, args).cacheFile,
  };
}
