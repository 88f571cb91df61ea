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

function pool(clock: FakeClock, capacity = 64): SaltPool {
  return new SaltPool(clock, SaltTable.make(capacity, false));
}

/** A time stamp of the clock's now. */
const stamp = (clock: FakeClock): number => Math.floor(clock.unixMs() / 1_000);

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

test("SaltPool goes on remembering while there is room, and then forgets the oldest", async () => {
  const clock = new FakeClock();
  const filter = pool(clock, 2);
  for (let round = 0; round < 5; round++) {
    assert.equal(filter.add(salt(2 * round)), true);
    assert.equal(filter.add(salt(2 * round + 1)), true);
    await clock.advance(3 * 61_000);
    assert.equal(filter.add(salt(2 * round)), false);
  }
  assert.equal(filter.add(salt(0)), true);
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
  const recent = new RecentSalts(SaltTable.make(4, false));
  for (let i = 0; i < 4; i++) assert.equal(recent.add(salt(i)), true);
  for (let i = 0; i < 4; i++) assert.equal(recent.add(salt(i)), false);
  for (let i = 4; i < 8; i++) assert.equal(recent.add(salt(i)), true);
  for (let i = 0; i < 8; i++) assert.equal(recent.add(salt(i)), false);
  assert.equal(recent.add(salt(8)), true);
  for (let i = 4; i < 9; i++) assert.equal(recent.add(salt(i)), false);
  assert.equal(recent.add(salt(0)), true);
});

test("a filter copies the salt", () => {
  const clock = new FakeClock();
  for (const kind of ["recent", "minute"] as const) {
    const filter = replayFilterFor(kind, clock);
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
  const salts = shareSalts();
  assert.ok(salts.minute instanceof SharedArrayBuffer);
  for (const kind of ["recent", "minute"] as const) {
    const [one, other] = [1, 2].map(() =>
      sharedReplayFilters(clock, salts)(kind)
    );
    assert.equal(one!.add(salt(1)), true);
    assert.equal(other!.add(salt(1)), false);
    assert.equal(other!.add(salt(2)), true);
    assert.equal(one!.add(salt(2)), false);
  }
});

test("SaltPool knows its start by the clock as it is set now", async () => {
  for (const stepMs of [0, 25_000, -25_000, 8 * 3_600_000, -8 * 3_600_000]) {
    const clock = new FakeClock();
    await clock.advance(7_000);
    const filter = pool(clock);
    await clock.advance(3_000);
    clock.setForward(stepMs);
    assert.equal(filter.remembers(stamp(clock)), true, `${stepMs}`);
    assert.equal(filter.remembers(stamp(clock) - 3), true, `${stepMs}`);
    assert.equal(filter.remembers(stamp(clock) - 4), false, `${stepMs}`);
  }
});

test("SaltPool takes no recording of a second before its start, as the clock is slewed", async () => {
  const clock = new FakeClock();
  const filter = pool(clock);
  await clock.advance(60_000);
  clock.setForward(-31);
  assert.equal(filter.remembers(stamp(clock) - 60), false);
});

test("SaltPool takes who comes in the second of its start, at any moment of it", async () => {
  for (const startMs of [0, 500, 949, 951, 975, 990, 997]) {
    const clock = new FakeClock();
    await clock.advance(startMs);
    const filter = pool(clock);
    await clock.advance(2);
    assert.equal(filter.remembers(stamp(clock)), true, `${startMs}`);
    assert.equal(filter.remembers(stamp(clock) - 1), false, `${startMs}`);
  }
});

test("SaltPool serves no replay, when the clock was set back, nor shuts out others", async () => {
  const clock = new FakeClock();
  const filter = pool(clock);
  const old = stamp(clock);
  assert.equal(filter.add(salt(1), old), true);
  await clock.advance(3_600_000);
  clock.setForward(-3_600_000);
  assert.equal(filter.remembers(old), true);
  assert.equal(filter.add(salt(1), old), false);
  assert.equal(filter.add(salt(2), old), true);
});

test("SaltPool refuses the time of what it has forgotten, when the clock was set back to it", async () => {
  const clock = new FakeClock();
  const filter = pool(clock, 2);
  for (let i = 0; i < 6; i++) {
    assert.equal(filter.remembers(stamp(clock)), true);
    assert.equal(filter.add(salt(i), stamp(clock)), true);
    await clock.advance(61_001);
  }
  const backMs = 6 * 61_001;
  clock.setForward(-backMs);
  // Salts 0 and 1 are forgotten, 2 and all after them are not.
  const forgottenAtMs = 61_001;
  assert.equal(filter.remembers(stamp(clock)), false);
  await clock.advance(forgottenAtMs);
  assert.equal(filter.remembers(stamp(clock)), false);
  await clock.advance(1_000);
  assert.equal(filter.remembers(stamp(clock)), true);
  assert.equal(filter.add(salt(2), stamp(clock)), false);
});

test("SaltPool goes on when the clock was set, however full it is", async () => {
  for (const stepMs of [3_600_000, -3_600_000]) {
    const clock = new FakeClock();
    const filter = pool(clock, 2);
    for (let i = 0; i < 2; i++) assert.equal(filter.add(salt(i)), true);
    clock.setForward(stepMs);
    assert.equal(filter.add(salt(2)), false, "full of young ones");
    await clock.advance(61_001);
    assert.equal(filter.add(salt(2), stamp(clock)), true);
    assert.equal(filter.add(salt(1), stamp(clock)), false);
  }
});

test("SaltPool of a thread that was idle turns no generation that others have begun", async () => {
  const clock = new FakeClock();
  const { memory } = SaltTable.make(2, true);
  const [busy, idle] = [1, 2].map(() =>
    new SaltPool(clock, new SaltTable(memory))
  );
  for (let i = 0; i < 2; i++) assert.equal(busy!.add(salt(i)), true);
  await clock.advance(61_001);
  for (let i = 2; i < 4; i++) assert.equal(busy!.add(salt(i)), true);
  assert.equal(idle!.add(salt(4)), false, "full, and just begun");
  assert.equal(idle!.add(salt(0)), false);
  await clock.advance(61_001);
  assert.equal(idle!.add(salt(4)), true);
  assert.equal(busy!.add(salt(2)), false);
});
