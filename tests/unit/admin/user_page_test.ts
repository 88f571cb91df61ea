import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RATE, type UserPage } from "../../../src/admin/operator.ts";
import {
  FIRST_PAGE,
  formatPage,
  pickUsers,
  readPage,
  type ServedUser,
} from "../../../src/admin/user_page.ts";
import {
  COLUMNS,
  compareNames,
  rowOf,
  sortRows,
} from "../../../src/admin/user_rows.ts";
import { MAX_USER_PAGE } from "../../../src/limits.ts";
import { NO_USAGE } from "../../../src/users.ts";
import { SampleProgram } from "../../support/sample_status.ts";

const NOW = 1_000_000;

const everybody = (users: number): ServedUser[] =>
  new SampleProgram({ users }).status().servers[0]!.users
    .map((user) => ({ server: "8388", user }));

test("pickUsers() picks those who come first in each order, of any length", () => {
  const all = everybody(500);
  const rows = all.map(({ user }) => rowOf("8388", user, NOW));
  for (const column of COLUMNS) {
    for (const descending of [true, false]) {
      for (const limit of [1, 7, 100, 500, 1_000]) {
        const page = { ...FIRST_PAGE, sort: column.id, descending, limit };
        const { users, totals } = pickUsers(all, page, NOW);
        const best = sortRows(rows, column, descending).slice(0, limit)
          .map(({ user }) => user.name);
        assert.deepEqual(
          users.map(({ user }) => user.name).sort(),
          best.sort(),
          `${column.id} ${descending} ${limit}`,
        );
        assert.equal(totals.total, 500);
        assert.equal(totals.found, 500);
      }
    }
  }
});

test("pickUsers() filters by a part of the name and by state, and counts all", () => {
  const all = everybody(200);
  const page = { ...FIRST_PAGE, filter: "LI", state: "connected" };
  const { users, totals } = pickUsers(all, page, NOW);
  assert.ok(users.length > 0);
  for (const { user } of users) {
    assert.ok(user.name.includes("li") && user.usage.open > 0, user.name);
  }
  assert.equal(totals.found, users.length);
  assert.equal(totals.total, 200);
  const open = all.filter(({ user }) => user.usage.open > 0).length;
  assert.equal(totals.connected, open);
  const none = pickUsers(all, { ...FIRST_PAGE, limit: 0 }, NOW);
  assert.deepEqual(none.users, []);
});

test("a page survives its address, and a bad address is the usual page", () => {
  const page: UserPage = {
    sort: "name",
    descending: false,
    filter: "a b&c=ü",
    state: "over quota",
    limit: 250,
  };
  assert.deepEqual(readPage(new URLSearchParams(formatPage(page))), page);
  assert.deepEqual(readPage(new URLSearchParams()), FIRST_PAGE);
  const of = (users: string): number =>
    readPage(new URLSearchParams({ users })).limit;
  assert.equal(of("1001"), MAX_USER_PAGE);
  for (const bad of ["", "-1", "1e9", "x"]) assert.equal(of(bad), 100);
  const user = {
    name: "alice",
    origin: "api" as const,
    disabled: false,
    limits: {},
    usage: NO_USAGE,
    rate: NO_RATE,
  };
  const unknown = { ...FIRST_PAGE, sort: "no such column" };
  assert.equal(
    pickUsers([{ server: "1", user }], unknown, NOW).users.length,
    1,
  );
});

test("compareNames() orders as people do, and is 0 for equal names alone", () => {
  const sorted = ["a", "a2", "A10", "a10", "a010b", "b", "Zoë", "ü"];
  for (const [i, one] of sorted.entries()) {
    for (const [j, other] of sorted.entries()) {
      assert.equal(
        Math.sign(compareNames(one, other)),
        Math.sign(i - j),
        `${one} ${other}`,
      );
    }
  }
});
