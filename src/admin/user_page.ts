/**
 * The users in a status: a selection, because there may be 100,000 users.
 *
 * @module
 */
import { FIRST_USERS, MAX_USER_PAGE } from "../limits.ts";
import type { UserPage, UserStatus, UserTotals } from "./operator.ts";
import {
  type Column,
  COLUMNS,
  rowOf,
  rowOrder,
  totalBytes,
  type UserRow,
} from "./user_rows.ts";

/** A user with its server. */
export interface ServedUser {
  /** See `ServerStatus.id`. */
  readonly server: string;
  readonly user: UserStatus;
}

/** The page of the users with the most traffic. */
export const FIRST_PAGE: UserPage = {
  sort: "share",
  descending: true,
  filter: "",
  state: "",
  limit: FIRST_USERS,
};

/** The page of callers that need no users; none are listed or counted. */
export const NO_USERS: UserPage = { ...FIRST_PAGE, limit: 0 };

/** The totals if there are no users or none were read. */
export const NO_TOTALS: UserTotals = {
  total: 0,
  found: 0,
  connected: 0,
  bytes: 0,
  mostBytes: 0,
};

/** The users of a page. */
export interface PickedUsers {
  readonly totals: UserTotals;
  /** The users, in their original order. */
  readonly users: readonly ServedUser[];
}

/** Selects a page, in one pass over the users. */
export function pickUsers(
  users: Iterable<ServedUser>,
  { sort, descending, filter, state, limit }: UserPage,
  nowUnixMs: number,
): PickedUsers {
  const column = columnOf(sort) ?? columnOf(FIRST_PAGE.sort)!;
  const text = filter.toLowerCase();
  const best = new Best(limit, rowOrder(column, descending));
  let [total, found, connected, bytes, mostBytes] = [0, 0, 0, 0, 0];
  for (const { server, user } of users) {
    const moved = totalBytes(user);
    total++;
    bytes += moved;
    if (moved > mostBytes) mostBytes = moved;
    if (user.usage.open > 0) connected++;
    if (text !== "" && !user.name.toLowerCase().includes(text)) continue;
    const row = rowOf(server, user, nowUnixMs);
    if (state !== "" && row.state !== state) continue;
    found++;
    best.add(row);
  }
  return {
    totals: { total, found, connected, bytes, mostBytes },
    users: best.rows(),
  };
}

/** The first rows of an order. */
class Best {
  readonly #limit: number;
  readonly #compare: (a: UserRow, b: UserRow) => number;
  #kept: { readonly row: UserRow; readonly place: number }[] = [];
  #last: UserRow | undefined;
  #place = 0;

  constructor(limit: number, compare: (a: UserRow, b: UserRow) => number) {
    this.#limit = limit;
    this.#compare = compare;
  }

  add(row: UserRow): void {
    const place = this.#place++;
    if (this.#limit === 0) return;
    if (this.#last !== undefined && this.#compare(row, this.#last) >= 0) return;
    this.#kept.push({ row, place });
    if (this.#kept.length < 2 * this.#limit) return;
    this.#cut();
    this.#last = this.#kept.at(-1)!.row;
  }

  /** Returns the rows in the order of the users. */
  rows(): UserRow[] {
    this.#cut();
    return this.#kept.sort((a, b) => a.place - b.place).map(({ row }) => row);
  }

  #cut(): void {
    this.#kept.sort((a, b) => this.#compare(a.row, b.row));
    this.#kept.length = Math.min(this.#kept.length, this.#limit);
  }
}

function columnOf(id: string): Column | undefined {
  return COLUMNS.find((column) => column.id === id);
}

/** Returns the query that requests a page. */
export function formatPage(
  { sort, descending, filter, state, limit }: UserPage,
): string {
  return String(
    new URLSearchParams({
      sort,
      order: descending ? "desc" : "asc",
      filter,
      state,
      users: String(limit),
    }),
  );
}

/** Reads the page of a query; missing parameters have their defaults. */
export function readPage(query: URLSearchParams): UserPage {
  const limit = query.get("users") ?? "";
  return {
    sort: query.get("sort") ?? FIRST_PAGE.sort,
    descending: query.get("order") !== "asc",
    filter: query.get("filter") ?? "",
    state: query.get("state") ?? "",
    limit: /^\d{1,9}$/.test(limit)
      ? Math.min(Number(limit), MAX_USER_PAGE)
      : FIRST_USERS,
  };
}
