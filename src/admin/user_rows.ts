/**
 * What the dashboard and `umbra top` show of each user, and how the list can be
 * sorted.
 *
 * @module
 */
import { type History, keyOf, type Rate } from "./history.ts";
import type { Status, UserStatus } from "./operator.ts";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatRate,
  formatShare,
  formatUntil,
  type RateUnit,
} from "./units.ts";

/** A user, with what follows from its numbers. */
export interface UserRow {
  /** Unique over all servers. */
  readonly key: string;
  /** Of its server. */
  readonly server: string;
  readonly user: UserStatus;
  readonly state: UserState;
  readonly rate: Rate;
  /** Part of what all users moved, 0 to 1. */
  readonly share: number;
  /** Its share beside the largest one, 0 to 1. */
  readonly rank: number;
  /** Part of its quota, 1 for all of it. */
  readonly quota: number;
}

/** What formatting needs besides the row. */
export interface View {
  readonly nowUnixMs: number;
  readonly unit: RateUnit;
}

/** One column. */
export interface Column {
  /** Also the class of its cells. */
  readonly id: string;
  readonly title: string;
  /** Shown where there is room. */
  readonly optional?: boolean;
  /** Right-aligned, and sorted from the largest. */
  readonly number?: boolean;
  /** Width of a bar, 0 to 1. */
  bar?(row: UserRow): number;
  /** What is shown. */
  text(row: UserRow, view: View): string;
  /** What is compared. */
  order(row: UserRow): number | string;
}

/** From the left. */
export const COLUMNS: readonly Column[] = [
  {
    id: "name",
    title: "Name",
    text: ({ user }) => user.name,
    order: ({ user }) => user.name,
  },
  {
    id: "state",
    title: "State",
    text: ({ state }) => state,
    order: ({ state }) => state,
  },
  {
    id: "rate-down",
    title: "Down now",
    number: true,
    text: ({ rate }, { unit }) =>
      rate.down === 0 ? "–" : formatRate(rate.down, unit),
    order: ({ rate }) => rate.down,
  },
  {
    id: "rate-up",
    title: "Up now",
    number: true,
    text: ({ rate }, { unit }) =>
      rate.up === 0 ? "–" : formatRate(rate.up, unit),
    order: ({ rate }) => rate.up,
  },
  {
    id: "share",
    title: "Share",
    number: true,
    bar: ({ rank }) => rank,
    text: ({ share }) => formatShare(share),
    order: ({ share }) => share,
  },
  {
    id: "total-down",
    title: "Down",
    number: true,
    optional: true,
    text: ({ user }) => formatBytes(user.usage.bytesDown),
    order: ({ user }) => user.usage.bytesDown,
  },
  {
    id: "total-up",
    title: "Up",
    number: true,
    optional: true,
    text: ({ user }) => formatBytes(user.usage.bytesUp),
    order: ({ user }) => user.usage.bytesUp,
  },
  {
    id: "quota",
    title: "Quota",
    number: true,
    bar: ({ quota }) => quota,
    text: ({ user, quota }) =>
      user.limits.quotaBytes === undefined
        ? "–"
        : `${formatShare(quota)} of ${formatBytes(user.limits.quotaBytes)}`,
    order: ({ quota }) => quota,
  },
  {
    id: "open",
    title: "Open",
    number: true,
    text: ({ user }) => formatCount(user.usage.open),
    order: ({ user }) => user.usage.open,
  },
  {
    id: "hosts",
    title: "Devices",
    number: true,
    optional: true,
    text: ({ user: { usage, limits } }) =>
      limits.maxHosts === undefined
        ? formatCount(usage.hosts.length)
        : `${usage.hosts.length} of ${formatCount(limits.maxHosts)}`,
    order: ({ user }) => user.usage.hosts.length,
  },
  {
    id: "seen",
    title: "Last seen",
    number: true,
    text: ({ user }, { nowUnixMs }) =>
      formatAgo(user.usage.lastSeenUnixMs, nowUnixMs),
    order: ({ user }) => user.usage.lastSeenUnixMs,
  },
  {
    id: "ends",
    title: "Ends",
    number: true,
    optional: true,
    text: ({ user: { limits } }, { nowUnixMs }) =>
      limits.expiresUnixMs === undefined
        ? "–"
        : formatUntil(limits.expiresUnixMs, nowUnixMs),
    order: ({ user }) => -(user.limits.expiresUnixMs ?? Infinity),
  },
];

/** Every user of every server. */
export function rowsOf(status: Status, history: History): UserRow[] {
  const users = status.servers.flatMap(({ id, users }) =>
    users.map((user) => ({ server: id, user }))
  );
  let total = 0;
  let largest = 0;
  for (const { user } of users) {
    total += totalBytes(user);
    largest = Math.max(largest, totalBytes(user));
  }
  return users.map(({ server, user }) => ({
    key: keyOf(server, user.name),
    server,
    user,
    state: stateOf(user, status.nowUnixMs),
    rate: history.rateOf(server, user.name),
    share: total === 0 ? 0 : totalBytes(user) / total,
    rank: largest === 0 ? 0 : totalBytes(user) / largest,
    quota: quotaUsed(user),
  }));
}

const NAMES = new Intl.Collator(undefined, { numeric: true });

/** Rows in the order of a column; equal ones by name. */
export function sortRows(
  rows: readonly UserRow[],
  { order }: Column,
  descending: boolean,
): UserRow[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const x = order(a);
    const y = order(b);
    const difference = typeof x === "string"
      ? NAMES.compare(x, String(y))
      // Not x - y: two infinities are equal.
      : Number(x > Number(y)) - Number(x < Number(y));
    return sign * difference || NAMES.compare(a.user.name, b.user.name);
  });
}

/** In what state a user is. */
export type UserState =
  | "disabled"
  | "expired"
  | "over quota"
  | "connected"
  | "idle"
  | "never seen";

/** The first thing that holds. */
export function stateOf(user: UserStatus, nowUnixMs: number): UserState {
  const { limits, usage, disabled } = user;
  if (disabled) return "disabled";
  if (limits.expiresUnixMs !== undefined && limits.expiresUnixMs <= nowUnixMs) {
    return "expired";
  }
  if (usage.quotaSpent || quotaUsed(user) >= 1) return "over quota";
  if (usage.open > 0) return "connected";
  return usage.lastSeenUnixMs === 0 ? "never seen" : "idle";
}

/** Bytes in both directions. */
export function totalBytes(user: UserStatus): number {
  return user.usage.bytesUp + user.usage.bytesDown;
}

/** Part of the quota that is used, 1 for all of it; 0 without a quota. */
export function quotaUsed(user: UserStatus): number {
  const { quotaBytes } = user.limits;
  if (quotaBytes === undefined) return 0;
  return quotaBytes === 0 ? 1 : totalBytes(user) / quotaBytes;
}
