/**
 * What the command line and a configuration file say of a published list of
 * servers. In a file it is shadowsocks-rust's `online_config`, which keeps the
 * address, as good as a password, out of the process list.
 *
 * @module
 */
import { isOnlineUrl, parseOnlineUrl } from "../../codec/sip008.ts";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { LIST, ONLINE } from "../settings/local.ts";
import { LIST_PLUGINS } from "../settings/plugin.ts";
import { complete, fromObject, fromOptions, merge } from "../settings/read.ts";
import { knownKeys } from "../settings/tables.ts";
import type { ConfigObject } from "./config_file.ts";

/** A list that was asked for. */
export interface OnlineSettings {
  /** The address of the list. Secret but for the host. */
  readonly url: URL;
  /** Milliseconds between two looks at it. */
  readonly refreshMs: number;
  /** Plugins that it may ask for, by name. */
  readonly allowedPlugins: readonly string[];
  /** The copy on disk; not set: in the system's folder for such files. */
  readonly cacheFile?: string | undefined;
}

/** The key at the top of a configuration file. */
const ONLINE_KEY = LIST.online.key!;

/** The list that a file names, and its place. */
export function onlineObject(
  file: ConfigObject | undefined,
): ConfigObject | undefined {
  return file?.isEmpty(ONLINE_KEY) ? undefined : file?.child(ONLINE_KEY);
}

/** One warning for each key of {@link onlineObject} that is not known. */
export function unknownOnlineKeys(file: ConfigObject | undefined): string[] {
  return onlineObject(file)?.unknownKeys(knownKeys("online")) ?? [];
}

/**
 * The list that is asked for, if one is; an address on the command line beats
 * the file.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function onlineSettings(
  args: Arguments,
  file: ConfigObject | undefined,
): OnlineSettings | undefined {
  const [named, second] = args.operands.filter(isOnlineUrl);
  if (second !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "Two addresses of published lists: give one",
    );
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
