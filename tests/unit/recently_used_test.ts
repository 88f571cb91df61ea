import assert from "node:assert/strict";
import { test } from "node:test";
import { RecentlyUsed } from "../../src/recently_used.ts";

test("get() makes a value once for a key that is in use, and keeps twice `size`", () => {
  const made: number[] = [];
  const values = new RecentlyUsed(2, (key: number) => {
    made.push(key);
    return { key };
  });
  const first = values.get(1);
  for (const other of [2, 3, 4, 5, 6]) {
    values.get(other);
    assert.equal(values.get(1), first);
  }
  assert.deepEqual(made, [1, 2, 3, 4, 5, 6]);
  values.get(2);
  assert.deepEqual(made, [1, 2, 3, 4, 5, 6, 2]);
});
