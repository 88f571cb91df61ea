import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RecentSalts,
  replayFilterFor,
  SaltPool,
  sharedReplayFilters,
} from "../../../src/security/replay_filter.ts";
import { seededBytes } from "../../support/bytes.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const salt = (seed: number): Uint8Array => seededBytes(16, seed);

test("SaltPool remembers a salt for 61 s, whenever in a generation it came", async () => {
  for (let atMs = 0; atMs <= 130_000; atMs += 10_000) {
    const clock = new FakeClock();
    const pool = new SaltPool(clock);
    await clock.advance(atMs);
    assert.equal(pool.add(salt(1)), true);
    assert.equal(pool.add(salt(1)), false);
    for (const waitMs of [1_000, 30_000, 29_999, 1]) {
      await clock.advance(waitMs);
      assert.equal(pool.add(salt(1)), false, `added at ${atMs}`);
    }
  }
});

test("SaltPool forgets what no time stamp can match any more", async () => {
  const clock = new FakeClock();
  const pool = new SaltPool(clock, 2);
  for (let round = 0; round < 5; round++) {
    assert.equal(pool.add(salt(1)), true);
    assert.equal(pool.add(salt(2)), true);
    await clock.advance(3 * 61_000);
  }
});

test("SaltPool refuses what it has no room for, and goes on later", async () => {
  const clock = new FakeClock();
  const pool = new SaltPool(clock, 2);
  assert.equal(pool.add(salt(1)), true);
  assert.equal(pool.add(salt(2)), true);
  assert.equal(pool.add(salt(3)), false);
  await clock.advance(61_001);
  assert.equal(pool.add(salt(3)), true);
  assert.equal(pool.add(salt(1)), false);
});

test("RecentSalts remembers the last generation at least, two at most", () => {
  const recent = new RecentSalts(new FakeClock(), 4);
  for (let i = 0; i < 4; i++) assert.equal(recent.add(salt(i)), true);
  for (let i = 0; i < 4; i++) assert.equal(recent.add(salt(i)), false);
  for (let i = 4; i < 8; i++) assert.equal(recent.add(salt(i)), true);
  for (let i = 0; i < 8; i++) assert.equal(recent.add(salt(i)), false);
  assert.equal(recent.add(salt(8)), true);
  for (let i = 4; i < 9; i++) assert.equal(recent.add(salt(i)), false);
  assert.equal(recent.add(salt(0)), true);
});

test("a filter copies the salt, and tells since when it listens", async () => {
  const clock = new FakeClock();
  await clock.advance(7_000);
  for (const edition of [2017, 2022] as const) {
    const filter = replayFilterFor(edition, clock);
    assert.equal(filter.sinceUnixMs, 1_700_000_007_000);
    const bytes = salt(1);
    assert.equal(filter.add(bytes), true);
    bytes.fill(0);
    assert.equal(filter.add(salt(1)), false);
  }
});

test("sharedReplayFilters() gives one filter for each edition", () => {
  const filters = sharedReplayFilters(new FakeClock());
  assert.equal(filters(2022), filters(2022));
  assert.notEqual(filters(2022), filters(2017));
});
