import assert from "node:assert/strict";
import { test } from "node:test";
import { Roster } from "../../src/roster.ts";

test("Roster keeps the order, whatever is removed", () => {
  // Every subset of five entries is removed, in both directions.
  for (let subset = 0; subset < 32; subset++) {
    for (const reversed of [false, true]) {
      const roster = new Roster<number>();
      const entries = [0, 1, 2, 3, 4].map((value) => roster.add(value));
      const chosen = entries.filter(({ value }) => subset >> value & 1);
      for (const entry of reversed ? chosen.reverse() : chosen) {
        entry.remove();
        entry.remove();
      }
      const left = [0, 1, 2, 3, 4].filter((value) => !(subset >> value & 1));
      assert.equal(roster.size, left.length);
      assert.equal(roster.oldest?.value, left[0]);
      assert.deepEqual([...roster.takeAll()], left);
      assert.equal(roster.size, 0);
      assert.equal(roster.oldest, undefined);
    }
  }
});

test("Roster takes what is added meanwhile, and skips what is removed", () => {
  const roster = new Roster<string>();
  roster.add("first");
  const second = roster.add("second");
  const taken: string[] = [];
  for (const value of roster.takeAll()) {
    taken.push(value);
    if (value !== "first") continue;
    second.remove();
    roster.add("third");
  }
  assert.deepEqual(taken, ["first", "third"]);
});

test("Roster keeps the rest if the one who takes stops", () => {
  const roster = new Roster<number>();
  for (const value of [1, 2, 3]) roster.add(value);
  for (const value of roster.takeAll()) if (value === 2) break;
  assert.deepEqual([...roster.takeAll()], [3]);
});
