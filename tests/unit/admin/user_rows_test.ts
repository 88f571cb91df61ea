import assert from "node:assert/strict";
import { test } from "node:test";
import { NO_RATE, type UserStatus } from "../../../src/admin/operator.ts";
import {
  COLUMNS,
  rowsOf,
  sortRows,
  type UserRow,
} from "../../../src/admin/user_rows.ts";
import { stateOf } from "../../../src/admin/user_rows.ts";
import { inEnglish } from "../../../src/admin/texts/say.ts";
import { NOTHING, SampleProgram } from "../../support/sample_status.ts";

const NOW = 1_000_000;

function user(change: Partial<UserStatus>): UserStatus {
  return {
    name: "a",
    origin: "api",
    disabled: false,
    limits: {},
    usage: NOTHING,
    rate: NO_RATE,
    ...change,
  };
}

test("stateOf() names the first reason that keeps a user out", () => {
  const used = { ...NOTHING, bytesUp: 60, bytesDown: 40, open: 1 };
  const seen = { ...NOTHING, lastSeenUnixMs: 5 };
  const over = { quotaBytes: 100 };
  const ended = { ...over, expiresUnixMs: NOW };
  const cases: [string, Partial<UserStatus>][] = [
    ["disabled", { disabled: true, limits: ended, usage: used }],
    ["expired", { limits: ended, usage: used }],
    ["over quota", { limits: over, usage: used }],
    ["over quota", { limits: { quotaBytes: 0 } }],
    ["over quota", {
      limits: { quotaBytes: 110 },
      usage: { ...used, quotaSpent: true },
    }],
    ["connected", {
      limits: { quotaBytes: 101, expiresUnixMs: NOW + 1 },
      usage: used,
    }],
    ["idle", { usage: seen }],
    ["never seen", {}],
  ];
  for (const [want, change] of cases) {
    assert.equal(stateOf(user(change), NOW), want);
  }
});

test("rowsOf() gives shares that add up to all of it", () => {
  const rows = sample(20);
  const sum = rows.reduce((total, { share }) => total + share, 0);
  assert.ok(Math.abs(sum - 1) < 1e-9);
  assert.equal(Math.max(...rows.map(({ rank }) => rank)), 1);
});

test("rowsOf() does not divide by zero, when no user moved a byte", () => {
  const status = new SampleProgram({ users: 2, busy: false }).status();
  const rows = rowsOf(status);
  assert.deepEqual(rows.map(({ share, rank }) => [share, rank]), [
    [0, 0],
    [0, 0],
  ]);
});

test("sortRows() orders by each column, and by name where equal", () => {
  const rows = sample(40);
  for (const column of COLUMNS) {
    const sorted = sortRows(rows, column, true);
    assert.equal(sorted.length, rows.length);
    sorted.slice(1).forEach((row, i) => {
      const [before, after] = [column.order(sorted[i]!), column.order(row)];
      assert.ok(
        typeof before === "string" || Number(before) >= Number(after),
        `${column.id}: ${before} before ${after}`,
      );
    });
  }
  const named = ["b", "a10", "a2"].map((name) => rowOf(user({ name })));
  const byOpen = COLUMNS.find(({ id }) => id === "open")!;
  assert.deepEqual(
    sortRows(named, byOpen, true).map((row) => row.user.name),
    ["a2", "a10", "b"],
  );
});

test("COLUMNS show a limit beside what it limits", () => {
  const row = rowOf(user({
    limits: { quotaBytes: 2 ** 31, maxHosts: 3, expiresUnixMs: NOW + 60_000 },
    usage: { ...NOTHING, bytesDown: 2 ** 30, hosts: ["192.0.2.1"] },
  }));
  const texts = Object.fromEntries(
    COLUMNS.map((column) => [
      column.id,
      column.text(row, { nowUnixMs: NOW, unit: "bit", say: inEnglish }),
    ]),
  );
  assert.equal(texts["quota"], "50 % of 2.00 GiB");
  assert.equal(texts["hosts"], "1 of 3");
  assert.equal(texts["ends"], "in 1 min");
});

function sample(users: number): UserRow[] {
  const program = new SampleProgram({ users });
  program.tick();
  return rowsOf(program.status());
}

function rowOf(one: UserStatus): UserRow {
  const status = new SampleProgram({ users: 0 }).status();
  const [server] = status.servers;
  return rowsOf(
    { ...status, nowUnixMs: NOW, servers: [{ ...server!, users: [one] }] },
  )[0]!;
}
