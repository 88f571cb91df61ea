import assert from "node:assert/strict";
import { test } from "node:test";
import {
  RecentSalts,
  replayFilterFor,
  SaltPool,
  sharedReplayFilters,
  shareSalts,
} from "../../../src/security/replay_filter.ts";
import { SaltTable } from "../../../src/security/salt_table.ts";
import { seededBytes } from "../../support/bytes.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function table(clock: FakeClock, capacity = 64): SaltTable {
  return SaltTable.make(capacity, clock.unixMs(), false);
}

function pool(clock: FakeClock, capacity?: number): SaltPool {
  return new SaltPool(clock, table(clock, capacity));
}

const salt = (seed: number): Uint8Array => seededBytes(16, seed);

test("SaltPool remembers a salt for 61 s, whenever in a generation it came", async () => {
  for (let atMs = 0; atMs <= 130_000; atMs += 10_000) {
    const clock = new FakeClock();
    const filter = pool(clock);
    await clock.advance(atMs);
    assert.equal(filter.add(salt(1)), true);
    assert.equal(filter.add(salt(1)), false);
    for (const waitMs of [1_000, 30_000, 29_999, 1]) {
      await clock.advance(waitMs);
      assert.equal(filter.add(salt(1)), false, `added at ${atMs}`);
    }
  }
});

test("SaltPool forgets what no time stamp can match any more", async () => {
  const clock = new FakeClock();
  const filter = pool(clock, 2);
  for (let round = 0; round < 5; round++) {
    assert.equal(filter.add(salt(1)), true);
    assert.equal(filter.add(salt(2)), true);
    await clock.advance(3 * 61_000);
  }
});

test("SaltPool refuses what it has no room for, and goes on later", async () => {
  const clock = new FakeClock();
  const filter = pool(clock, 2);
  assert.equal(filter.add(salt(1)), true);
  assert.equal(filter.add(salt(2)), true);
  assert.equal(filter.add(salt(3)), false);
  await clock.advance(61_001);
  assert.equal(filter.add(salt(3)), true);
  assert.equal(filter.add(salt(1)), false);
});

test("RecentSalts remembers the last generation at least, two at most", () => {
  const clock = new FakeClock();
  const recent = new RecentSalts(clock, table(clock, 4));
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
  for (const kind of ["recent", "minute"] as const) {
    const filter = replayFilterFor(kind, clock);
    assert.equal(filter.sinceUnixMs, 1_700_000_007_000);
    const bytes = salt(1);
    assert.equal(filter.add(bytes), true);
    bytes.fill(0);
    assert.equal(filter.add(salt(1)), false);
  }
});

test("sharedReplayFilters() gives one filter for each kind", () => {
  const filters = sharedReplayFilters(new FakeClock());
  assert.equal(filters("minute"), filters("minute"));
  assert.notEqual(filters("minute"), filters("recent"));
});

test("filters of shared memory know each other's salts", () => {
  const clock = new FakeClock();
  const salts = shareSalts(clock);
  assert.ok(salts.minute instanceof SharedArrayBuffer);
  for (const kind of ["recent", "minute"] as const) {
    const [one, other] = [1, 2].map(() =>
      sharedReplayFilters(clock, salts)(kind)
    );
    assert.equal(one!.add(salt(1)), true);
    assert.equal(other!.add(salt(1)), false);
    assert.equal(other!.add(salt(2)), true);
    assert.equal(one!.add(salt(2)), false);
    assert.equal(other!.sinceUnixMs, one!.sinceUnixMs);
  }
});

test("SaltPool goes on, when the clock was set back", () => {
  const clock = new FakeClock();
  let backMs = 0;
  const filter = new SaltPool(
    { ...clock, unixMs: () => clock.unixMs() - backMs } as typeof clock,
    table(clock, 2),
  );
  for (let i = 0; i < 2; i++) assert.equal(filter.add(salt(i)), true);
  assert.equal(filter.add(salt(2)), false, "full");
  backMs = 3_600_000;
  assert.equal(filter.add(salt(2)), true);
  assert.equal(filter.add(salt(1)), false);
});
