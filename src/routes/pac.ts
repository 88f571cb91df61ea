/**
 * Makes a PAC file from routes, which says what a browser may reach directly.
 *
 * It answers DIRECT only if the routes certainly say `direct`. Everything else
 * is sent to the proxy, which applies all routes. The file ends at the first
 * route that a PAC cannot express. It never resolves names, because that would
 * reveal them to a resolver.
 *
 * Language: ECMAScript 3, which WinHTTP and old phones support.
 *
 * @module
 */
import { formatIp } from "../codec/ip_address.ts";
import { MAX_PAC_BYTES, MAX_SMALL_PAC_RULES } from "../limits.ts";
import type { TargetSet } from "./match/target_set.ts";
import type { Route, RouteTable } from "./route_table.ts";

/** The options of a PAC file. */
export interface PacOptions {
  /** `host:port` of the proxy, which serves both HTTP and SOCKS. */
  readonly proxy: string;
  /** True to include all rules that fit; default: at most 2,000. */
  readonly full?: boolean;
  /** True to connect directly if the proxy does not answer. Default: false. */
  readonly fallback?: boolean;
  /** True if names are resolved for routes with addresses. Default: false. */
  readonly resolves?: boolean;
}

/** A route as a PAC contains it. */
interface PacRoute {
  readonly isDirect: boolean;
  /** Names that match only themselves. */
  readonly exact: string[];
  /** Names that match themselves and names below them. */
  readonly suffix: string[];
  /** Names that match only names below them. */
  readonly below: string[];
  /** The first and last address of each range, as numbers. */
  readonly ranges: number[];
}

/** Returns the text of the file. */
export function pacOf(routes: RouteTable, options: PacOptions): string {
  const { proxy, full = false, fallback = false, resolves = false } = options;
  const budget = {
    rules: full ? Infinity : MAX_SMALL_PAC_RULES,
    bytes: MAX_PAC_BYTES,
  };
  const said: PacRoute[] = [];
  let rest = false;
  for (const route of routes.routes()) {
    if (route.when === undefined) {
      rest = route.to === "direct";
      break;
    }
    const one = expressed(route, budget, resolves);
    if (one === undefined) break;
    said.push(one.route);
    if (one.isLast) break;
  }
  const ways = [`PROXY ${proxy}`, `SOCKS5 ${proxy}`, `SOCKS ${proxy}`];
  if (fallback) ways.push("DIRECT");
  return PROGRAM
    .replace('"PROXY"', () => JSON.stringify(ways.join("; ")))
    .replace('"ROUTES"', () => JSON.stringify(said.map(rowOf)))
    .replace('"REST"', () => String(rest));
}

/** @returns `undefined` if the file must end before this route. */
function expressed(
  { to, when }: Route,
  budget: Budget,
  resolves: boolean,
): { route: PacRoute; isLast: boolean } | undefined {
  const { sets, half } = when ?? {};
  if (sets === undefined) return undefined;
  const isDirect = to === "direct";
  const isHidden =
    half !== "addresses" && sets.some(({ hasPatterns }) => hasPatterns) ||
    half === undefined && resolves &&
      sets.some(({ hasAddresses }) => hasAddresses);
  // Parts of a direct route may be left out, since the proxy knows them. Parts
  // of another route may not, because a later route would match instead.
  if (isHidden && !isDirect) return undefined;
  const names = { exact: [], suffix: [], below: [] };
  const isNamed = half === "addresses" || addNames(names, sets, budget);
  const ranges = half === "names" ? [] : rangesOf(sets, budget);
  const route = { isDirect, ...names, ranges: ranges ?? [] };
  if (isNamed && ranges !== undefined) return { route, isLast: false };
  return isDirect ? { route, isLast: true } : undefined;
}

/** Rules and bytes that may still be added. */
interface Budget {
  rules: number;
  bytes: number;
}

/** @returns False if the budget is used up. */
function addNames(
  route: Record<"exact" | "suffix" | "below", string[]>,
  sets: readonly TargetSet[],
  budget: Budget,
): boolean {
  for (const set of sets) {
    for (const { name, kind } of set.names()) {
      if (!spend(budget, name.length + 3)) return false;
      route[kind].push(name);
    }
  }
  return true;
}

/**
 * Returns the first and last address of each IPv4 range, sorted and merged.
 * IPv6 addresses are always sent to the proxy.
 *
 * @returns `undefined` if the budget is used up.
 */
function rangesOf(
  sets: readonly TargetSet[],
  budget: Budget,
): number[] | undefined {
  const pairs: [number, number][] = [];
  for (const set of sets) {
    for (const { from, to } of set.ranges()) {
      if (from.length !== 4) continue;
      if (!spend(budget, RANGE_BYTES)) return undefined;
      pairs.push([wordOf(from), wordOf(to)]);
    }
  }
  const out: number[] = [];
  for (const [from, to] of pairs.sort(([a], [b]) => a - b)) {
    const last = out.length - 1;
    if (last > 0 && from <= out[last]! + 1) {
      out[last] = Math.max(out[last]!, to);
    } else out.push(from, to);
  }
  return out;
}

function spend(budget: Budget, bytes: number): boolean {
  budget.bytes -= bytes;
  return --budget.rules >= 0 && budget.bytes >= 0;
}

/** Two numbers of 10 digits with their commas. */
const RANGE_BYTES = 22;

function rowOf({ isDirect, exact, suffix, below, ranges }: PacRoute): unknown {
  return [isDirect ? 1 : 0, exact.sort(), suffix.sort(), below.sort(), ranges];
}

function wordOf(bytes: Uint8Array): number {
  return formatIp(bytes).split(".")
    .reduce((word, part) => word * 256 + Number(part), 0);
}

/** The words in capitals are replaced by values. */
const PROGRAM = `var proxy = "PROXY";
var routes = "ROUTES";
var rest = "REST";

function has(list, item) {
  var low = 0, high = list.length;
  while (low < high) {
    var middle = (low + high) >>> 1;
    if (list[middle] < item) low = middle + 1;
    else high = middle;
  }
  return list[low] === item;
}

function inside(ranges, word) {
  for (var low = 0, high = ranges.length / 2; low < high;) {
    var middle = (low + high) >>> 1;
    if (word < ranges[2 * middle]) high = middle;
    else if (word > ranges[2 * middle + 1]) low = middle + 1;
    else return true;
  }
  return false;
}

function isPrivate(word) {
  var first = Math.floor(word / 16777216), second = Math.floor(word / 65536) % 256;
  return first === 10 || first === 127 ||
    first === 172 && second >= 16 && second < 32 ||
    first === 192 && second === 168 || first === 169 && second === 254;
}

function named(route, host) {
  if (has(route[1], host) || has(route[2], host)) return true;
  for (var at = host.indexOf("."); at >= 0; at = host.indexOf(".", at + 1)) {
    var above = host.substring(at + 1);
    if (has(route[2], above) || has(route[3], above)) return true;
  }
  return false;
}

function FindProxyForURL(url, host) {
  host = host.toLowerCase().replace(/\\.$/, "");
  var parts = /^(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})\\.(\\d{1,3})$/.exec(host);
  var word = parts
    ? ((parts[1] * 256 + +parts[2]) * 256 + +parts[3]) * 256 + +parts[4]
    : -1;
  if (word < 0 && host.indexOf(".") < 0 && host.indexOf(":") < 0) return "DIRECT";
  if (word >= 0 && isPrivate(word)) return "DIRECT";
  if (host.indexOf(":") >= 0) return proxy;
  for (var i = 0; i < routes.length; i++) {
    var holds = word < 0 ? named(routes[i], host) : inside(routes[i][4], word);
    if (holds) return routes[i][0] ? "DIRECT" : proxy;
  }
  return rest ? "DIRECT" : proxy;
}
`;
