/**
 * Collects all mistakes of a configuration file at once, its ignored settings,
 * and the number of correct keys.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { BALANCING } from "../settings/balancer.ts";
import { LIST, LOCALS } from "../settings/local.ts";
import { PANEL_OBJECT } from "../settings/panel.ts";
import { SERVER, SERVERS } from "../settings/server.ts";
import { keysOf, type Place } from "../settings/setting.ts";
import { knownKeys, rowsAt } from "../settings/tables.ts";
import { USERS } from "../settings/users.ts";
import { type ConfigObject, MUDB_KEY } from "./config_file.ts";
import { checkNotServed } from "./not_served.ts";
import { methodAt } from "./server_settings.ts";

/** The review of a file. */
export interface Review {
  /** Mistakes that prevent the use of the file; one sentence each. */
  readonly toChange: string[];
  /** Settings that have no effect; one sentence each. */
  readonly ignored: string[];
  /** The number of correct keys. */
  fine: number;
}

/**
 * Checks every key by itself. Mistakes that involve several keys are found when
 * the role is configured.
 */
export function reviewConfig(file: ConfigObject): Review {
  const review: Review = { toChange: [], ignored: [], fine: 0 };
  reviewObject(file, "top", review);
  return review;
}

function reviewObject(
  object: ConfigObject,
  place: Place,
  review: Review,
): void {
  const rows = rowsAt(place);
  const known = knownKeys(place);
  for (const key of object.keys()) {
    const told = attempt(review, () => {
      if (key === MUDB_KEY) return true;
      const row = rows.get(key);
      if (row !== undefined) {
        object.value(key, row.fileKind ?? row.kind);
        checkMethod(object, key);
        return reviewBelow(object, key, place, review);
      }
      const ignored = known.has(key)
        ? checkNotServed(object.only(key), place)
        : object.only(key).unknownKeys(known);
      review.ignored.push(...ignored);
      return ignored.length === 0;
    });
    if (told) review.fine++;
  }
}

/** @returns Always true: the key itself is correct. */
function reviewBelow(
  object: ConfigObject,
  key: string,
  place: Place,
  review: Review,
): boolean {
  const below = place === "top" || place === "server"
    ? BELOW.get(key)
    : undefined;
  if (below === undefined) return true;
  const child = object.child(key);
  const children = child === undefined ? object.children(key) : [child];
  for (const one of children) reviewObject(one, below, review);
  return true;
}

/**
 * Keys whose values are objects with their own keys, and the place of those.
 */
const BELOW: ReadonlyMap<string, Place> = new Map([
  ...keysOf(SERVERS.servers).map((key) => [key, "server"] as const),
  ...keysOf(LOCALS.locals).map((key) => [key, "local"] as const),
  ...keysOf(USERS.users).map((key) => [key, "user"] as const),
  ...keysOf(LIST.online).map((key) => [key, "online"] as const),
  ...keysOf(PANEL_OBJECT.panel).map((key) => [key, "panel"] as const),
  ...keysOf(BALANCING.balancer).map((key) => [key, "balancer"] as const),
]);

function checkMethod(object: ConfigObject, key: string): void {
  if (!keysOf(SERVER.method).includes(key)) return;
  methodAt(object.where(key), String(object.values(key)[0]));
}

/** @returns The result of `look`; false if it throws. */
function attempt(review: Review, look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    review.toChange.push(error.message);
    return false;
  }
}
