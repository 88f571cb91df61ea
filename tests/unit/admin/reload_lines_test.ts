import assert from "node:assert/strict";
import { test } from "node:test";
import { foldChanges } from "../../../src/admin/reload_lines.ts";

function lines(count: number, what: string, place = "ss-server :1"): string[] {
  return Array.from(
    { length: count },
    (_, i) => `${place}: user u ${i} ${what}`,
  );
}

test("foldChanges() says once what happens to many users, and that they are cut off", () => {
  assert.deepEqual(
    foldChanges([
      "ss-server :1: method x",
      ...lines(50, "has another password"),
    ], 50),
    [
      "ss-server :1: method x",
      "ss-server :1: all 50 users have another password: all connections will be closed",
    ],
  );
  assert.deepEqual(foldChanges(lines(4, "is removed"), 50), [
    "ss-server :1: 4 users are removed: their connections will be closed",
  ]);
  assert.deepEqual(foldChanges(lines(4, "is added"), 4), [
    "ss-server :1: 4 users are added",
  ]);
});

test("foldChanges() names a few users, and keeps places and other lines apart", () => {
  const few = lines(3, "is disabled");
  assert.deepEqual(foldChanges(few, 3), few);
  const both = [...lines(4, "is removed", "a"), ...lines(4, "is removed", "b")];
  assert.deepEqual(foldChanges(both, 50), [
    "a: 4 users are removed: their connections will be closed",
    "b: 4 users are removed: their connections will be closed",
  ]);
  const limits = Array.from(
    { length: 9 },
    (_, i) => `a: user ${i}: quota_bytes 5, was no limit`,
  );
  assert.deepEqual(foldChanges(limits, 9), limits);
});
