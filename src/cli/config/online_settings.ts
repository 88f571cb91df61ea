/**
 * What the command line and a configuration file say of a published list of
 * servers. In a file it is shadowsocks-rust's `online_config`, which keeps the
 * address, as good as a password, out of the process list.
 *
 * @module
 */
import * as v from "valibot";
import { isOnlineUrl, parseOnlineUrl } from "../../codec/sip008.ts";
import { ConfigError } from "../../errors.ts";
import { ONLINE_REFRESH_MS } from "../../limits.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import {
  anything,
  type Keys,
  numberOrText,
  type Reading,
  text,
} from "./config_keys.ts";
import { option } from "../options/option_value.ts";
import { readSeconds } from "./values.ts";

/** A list that was asked for. */
export interface OnlineSettings {
  /** Where it is. Secret but for the host. */
  readonly url: URL;
  /** Milliseconds between two looks at it. */
  readonly refreshMs: number;
  /** Where it is kept; not set: where the system keeps such files. */
  readonly cacheFile?: string | undefined;
}

/** The key at the top of a configuration file. */
const ONLINE_KEY = "online_config";

const REFRESH: Reading<number> = {
  about: "Seconds until the next look at it",
  expected: "seconds, 1 or more",
  read: (value) => readSeconds(value, 1_000),
};

const ENTRY = v.object({
  config_url: text("The https address of the list", ["https://example.com/…"]),
  update_interval: numberOrText(REFRESH),
  allowed_plugins: anything("Without effect: a list starts no plugin"),
});

const TOP = v.object({
  [ONLINE_KEY]: v.optional(
    v.pipe(ENTRY, v.description("A published list of servers, for a local")),
  ),
});

/** What the top of a file may have. */
export const ONLINE_TOP_KEYS: Keys = TOP.entries;

/** What a file says of a list, and where. */
export function onlineObject(
  file: ConfigObject | undefined,
): ConfigObject | undefined {
  return file?.isEmpty(ONLINE_KEY) ? undefined : file?.child(ONLINE_KEY);
}

/** One warning for each key of {@link onlineObject} that is not known. */
export function unknownOnlineKeys(file: ConfigObject | undefined): string[] {
  return onlineObject(file)?.unknownKeys(ENTRY.entries) ?? [];
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
  const object = onlineObject(file);
  const filed = object && file?.read(TOP)[ONLINE_KEY];
  const address = named ?? filed?.config_url;
  if (object !== undefined && address === undefined) {
    throw object.wrong("config_url", "the https address of a list of servers");
  }
  if (address === undefined) return undefined;
  return {
    url: parseOnlineUrl(address),
    refreshMs: option(args, "refresh", REFRESH.read, REFRESH.expected) ??
      filed?.update_interval ?? ONLINE_REFRESH_MS,
    cacheFile: args.last("cache"),
  };
}
