/**
 * The published lists of rules that a file asks for, on this system.
 *
 * @module
 */
import process from "node:process";
import { fetchIfChanged } from "../../adapters/net/fetch_document.ts";
import { systemClock } from "../../clock.ts";
import { parseOnlineUrl } from "../../codec/sip008.ts";
import { ConfigError } from "../../errors.ts";
import {
  LIST_REFRESH_MS,
  LIST_TIMEOUT_MS,
  MAX_FETCHED_LIST_BYTES,
} from "../../limits.ts";
import { readConfig } from "../config/find_servers.ts";
import type { Sources } from "../config/secrets.ts";
import { KeptFile } from "../kept_file.ts";
import { defaultCachePath } from "../online/online_cache.ts";
import type { Arguments } from "../options/args.ts";
import { type FollowedList, FollowedLists } from "./followed_lists.ts";

/**
 * Takes the lists that were kept, and fetches the others.
 *
 * @returns `undefined` when none is asked for.
 * @throws {UmbraError} When one cannot be had, not even an old one.
 */
export async function openLists(
  args: Arguments,
  sources: Sources,
): Promise<FollowedLists | undefined> {
  const file = args.last("config");
  if (file === undefined) return undefined;
  const [sets] = readConfig(file, sources).values("rule_sets");
  const lists = followedLists(file, sets);
  if (lists.length === 0) return undefined;
  return await FollowedLists.load(lists, {
    clock: systemClock,
    fetch: (url, tag, signal) =>
      fetchIfChanged(url, tag, {
        signal,
        timeoutMs: LIST_TIMEOUT_MS,
        maxBytes: MAX_FETCHED_LIST_BYTES,
      }),
  }, new AbortController().signal);
}

/**
 * The kept copies of the lists of a configuration file, without fetching any.
 */
export function keptLists(
  file: string | undefined,
  sources: Sources,
): ReadonlyMap<string, Uint8Array> {
  if (file === undefined) return new Map();
  const [sets] = readConfig(file, sources).values("rule_sets");
  return new Map(
    followedLists(file, sets).flatMap(({ name, cache }) => {
      const kept = cache?.read();
      return kept === undefined ? [] : [[name, kept.bytes]];
    }),
  );
}

/**
 * Lists with a `url`; what else is wrong with an entry is found by the routes.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function followedLists(file: string, sets: unknown): FollowedList[] {
  if (typeof sets !== "object" || sets === null) return [];
  return Object.entries(sets).flatMap(([name, entry]) => {
    const { url: text, update_interval: interval } = Object(entry);
    if (typeof text !== "string") return [];
    const key = `${file}: rule_sets.${name}`;
    const url = urlOf(`${key}.url`, text);
    const path = cachePath(url);
    return [{
      name,
      url,
      refreshMs: interval === undefined
        ? LIST_REFRESH_MS
        : intervalOf(`${key}.update_interval`, interval),
      cache: path === undefined ? undefined : new KeptFile(path),
    }];
  });
}

function urlOf(key: string, text: string): URL {
  try {
    return parseOnlineUrl(text);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    throw new ConfigError("ERR_CONFIG_VALUE", `${key}: expected https://…`);
  }
}

/** `90s`, `30m`, `24h`, `7d`; a number is of seconds. */
function intervalOf(key: string, value: unknown): number {
  const match = /^(\d{1,6})([smhd]?)$/.exec(String(value));
  const unit = UNITS_MS[match?.[2] || "s"]!;
  const ms = Number(match?.[1]) * unit;
  if (ms >= UNITS_MS["m"]!) return ms;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${key}: expected "24h", "30m" or the like, a minute or more`,
  );
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

function cachePath(url: URL): string | undefined {
  try {
    return defaultCachePath(url, process.env, "list");
  } catch {
    // Deno without --allow-env: as if the environment named no folder.
    return undefined;
  }
}
