/**
 * The users as rows, for the dashboard and `umbra top`, with the orders in
 * which they can be sorted.
 *
 * @module
 */
import { keyOf } from "./history.ts";
import type { Rate, Status, UserStatus } from "./operator.ts";
import type { Say, TextKey } from "./texts/say.ts";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatRate,
  formatShare,
  formatUntil,
  type RateUnit,
} from "./units.ts";

/** A user, with values computed from its counts. */
export interface UserRow {
  /** Unique over all servers. */
  readonly key: string;
  /** The server of the user. */
  readonly server: string;
  readonly user: UserStatus;
  readonly state: UserState;
  readonly rate: Rate;
  /** Share of the traffic of all users, 0 to 1. */
  readonly share: number;
  /** Traffic in relation to the largest user, 0 to 1. */
  readonly rank: number;
  /** Used part of the quota; 1 for all of it. */
  readonly quota: number;
}

/** The settings of formatting. */
export interface View {
  readonly nowUnixMs: number;
  readonly unit: RateUnit;
  /** The language. */
  readonly say: Say;
}

/** One column. */
export interface Column {
  /** The name of the column, and the class of its cells. */
  readonly id: string;
  readonly title: TextKey;
  /** Set if the column is shown only if there is room. */
  readonly optional?: boolean;
  /** Set for a right-aligned column that is sorted in descending order. */
  readonly number?: boolean;
  /** Returns the width of a bar, 0 to 1. */
  bar?(row: UserRow): number;
  /** Returns the text of the cell. */
  text(row: UserRow, view: View): string;
  /** Returns the value by which rows are sorted. */
  order(row: UserRow): number | string;
}

/** The columns from the left. */
export const COLUMNS: readonly Column[] = [
  {
    id: "name",
    title: "column-name",
    text: ({ user }) => user.name,
    order: ({ user }) => user.name,
  },
  {
    id: "state",
    title: "column-state",
    text: ({ state }, { say }) => say(STATES[state]),
    order: ({ state }) => state,
  },
  {
    id: "rate-down",
    title: "column-rate-down",
    number: true,
    text: ({ rate }, { unit }) =>
      rate.down === 0 ? "–" : formatRate(rate.down, unit),
    order: ({ rate }) => rate.down,
  },
  {
    id: "rate-up",
    title: "column-rate-up",
    number: true,
    text: ({ rate }, { unit }) =>
      rate.up === 0 ? "–" : formatRate(rate.up, unit),
    order: ({ rate }) => rate.up,
  },
  {
    id: "share",
    title: "column-share",
    number: true,
    bar: ({ rank }) => rank,
    text: ({ share }) => formatShare(share),
    order: ({ share }) => share,
  },
  {
    id: "total-down",
    title: "column-total-down",
    number: true,
    optional: true,
    text: ({ user }) => formatBytes(user.usage.bytesDown),
    order: ({ user }) => user.usage.bytesDown,
  },
  {
    id: "total-up",
    title: "column-total-up",
    number: true,
    optional: true,
    text: ({ user }) => formatBytes(user.usage.bytesUp),
    order: ({ user }) => user.usage.bytesUp,
  },
  {
    id: "quota",
    title: "column-quota",
    number: true,
    bar: ({ quota }) => quota,
    text: ({ user: { limits }, quota }, { say }) =>
      limits.quotaBytes === undefined ? "–" : say("quota-used", {
        share: formatShare(quota),
        quota: formatBytes(limits.quotaBytes),
      }),
    order: ({ quota }) => quota,
  },
  {
    id: "open",
    title: "column-open",
    number: true,
    text: ({ user }) => formatCount(user.usage.open),
    order: ({ user }) => user.usage.open,
  },
  {
    id: "hosts",
    title: "column-devices",
    number: true,
    optional: true,
    text: ({ user: { usage, limits } }, { say }) =>
      limits.maxHosts === undefined
        ? formatCount(usage.hosts.length)
        : say("some-of", {
          some: usage.hosts.length,
          all: formatCount(limits.maxHosts),
        }),
    order: ({ user }) => user.usage.hosts.length,
  },
  {
    id: "seen",
    title: "column-seen",
    number: true,
    text: ({ user }, { nowUnixMs, say }) =>
      formatAgo(user.usage.lastSeenUnixMs, nowUnixMs, say),
    order: ({ user }) => user.usage.lastSeenUnixMs,
  },
  {
    id: "ends",
    title: "column-ends",
    number: true,
    optional: true,
    text: ({ user: { limits } }, { nowUnixMs, say }) =>
      limits.expiresUnixMs === undefined
        ? "–"
        : formatUntil(limits.expiresUnixMs, nowUnixMs, say),
    order: ({ user }) => -(user.limits.expiresUnixMs ?? Infinity),
  },
];

/** Returns the rows of all users in a status. */
export function rowsOf({ servers, users, nowUnixMs }: Status): UserRow[] {
  const { bytes, mostBytes } = users;
  return servers.flatMap(({ id, users }) =>
    users.map((user) => {
      const row = rowOf(id, user, nowUnixMs);
      return {
        ...row,
        share: bytes === 0 ? 0 : row.share / bytes,
        rank: mostBytes === 0 ? 0 : row.share / mostBytes,
      };
    })
  );
}

/** Returns a row for comparison with others; its share is in bytes. */
export function rowOf(
  server: string,
  user: UserStatus,
  nowUnixMs: number,
): UserRow {
  return {
    key: keyOf(server, user.name),
    server,
    user,
    state: stateOf(user, nowUnixMs),
    rate: user.rate,
    share: totalBytes(user),
    rank: 0,
    quota: quotaUsed(user),
  };
}

/** Returns rows in the order of a column; equal ones by name. */
export function sortRows(
  rows: readonly UserRow[],
  column: Column,
  descending: boolean,
): UserRow[] {
  return [...rows].sort(rowOrder(column, descending));
}

/** Compares two rows by a column; equal ones by name. */
export function rowOrder(
  { order }: Column,
  descending: boolean,
): (a: UserRow, b: UserRow) => number {
  const sign = descending ? -1 : 1;
  return (a, b) => {
    const x = order(a);
    const y = order(b);
    const difference = typeof x === "string"
      ? compareNames(x, String(y))
      // Not x - y: the difference of two infinities is NaN.
      : Number(x > Number(y)) - Number(x < Number(y));
    return sign * difference || compareNames(a.user.name, b.user.name);
  };
}

/**
 * Compares names in natural order: `a2` before `a10`, in any case. A `Collator`
 * is too slow for 100,000 users a second.
 */
export function compareNames(a: string, b: string): number {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const endOfA = endOfDigits(a, i);
    const endOfB = endOfDigits(b, j);
    if (endOfA > i && endOfB > j) {
      const difference = Number(a.slice(i, endOfA)) -
        Number(b.slice(j, endOfB));
      if (difference !== 0) return difference;
      i = endOfA;
      j = endOfB;
    } else {
      const difference = lowerCode(a, i++) - lowerCode(b, j++);
      if (difference !== 0) return difference;
    }
  }
  return (a.length - i) - (b.length - j) || Number(a > b) - Number(a < b);
}

function endOfDigits(text: string, from: number): number {
  let end = from;
  for (; end < text.length; end++) {
    const code = text.charCodeAt(end);
    if (code < 0x30 || code > 0x39) break;
  }
  return end;
}

/** Returns the character code; capital ASCII letters count as lower case. */
function lowerCode(text: string, at: number): number {
  const code = text.charCodeAt(at);
  return code >= 0x41 && code <= 0x5a ? code + 0x20 : code;
}

/** The states of a user. */
export type UserState = keyof typeof STATES;

/** The text of each state. */
export const STATES = {
  disabled: "user-disabled",
  expired: "user-expired",
  "over quota": "user-over-quota",
  connected: "user-connected",
  idle: "user-idle",
  "never seen": "user-never-seen",
} as const;

/** Returns the first state that applies. */
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

/** Returns the bytes in both directions. */
export function totalBytes(user: UserStatus): number {
  return user.usage.bytesUp + user.usage.bytesDown;
}

/** Returns the used part of the quota, 1 for all of it; 0 without a quota. */
export function quotaUsed(user: UserStatus): number {
  const { quotaBytes } = user.limits;
  if (quotaBytes === undefined) return 0;
  return quotaBytes === 0 ? 1 : totalBytes(user) / quotaBytes;
}
