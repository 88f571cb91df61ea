/**
 * Opens the published lists of rules of a configuration file.
 *
 * @module
 */
import { fetchIfChanged } from "../../adapters/net/fetch_document.ts";
import { systemClock } from "../../clock.ts";
import { parseOnlineUrl } from "../../codec/sip008.ts";
import { badValue, ConfigError } from "../../errors.ts";
import {
  LIST_REFRESH_MS,
  LIST_TIMEOUT_MS,
  MAX_FETCHED_LIST_BYTES,
} from "../../limits.ts";
import { readConfig } from "../config/find_servers.ts";
import type { Sources } from "../config/secrets.ts";
import { KeptFile } from "../kept_file.ts";
import { cachePath } from "../online/online_cache.ts";
import type { Arguments } from "../options/args.ts";
import { type FollowedList, FollowedLists } from "./followed_lists.ts";

/**
 * Reads the kept lists, and fetches the others.
 *
 * @returns `undefined` if the file has no such lists.
 * @throws {UmbraError} If a list can be neither read nor fetched.
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
 * Returns the kept copies of the lists of a configuration file, without
 * fetching any.
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
 * Returns the lists that have a `url`. Other mistakes of an entry are found
 * when the routes are read.
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
    const path = cachePath(url, "list");
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
    throw badValue(`${key}: expected https://…`);
  }
}

/** Reads an interval: `90s`, `30m`, `24h`, `7d`, or a number of seconds. */
function intervalOf(key: string, value: unknown): number {
  const match = /^(\d{1,6})([smhd]?)$/.exec(String(value));
  const unit = UNITS_MS[match?.[2] || "s"]!;
  const ms = Number(match?.[1]) * unit;
  if (ms >= UNITS_MS["m"]!) return ms;
  throw badValue(`${key}: expected "24h", "30m" or the like, a minute or more`);
}

const UNITS_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
