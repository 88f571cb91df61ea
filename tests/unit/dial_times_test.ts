import assert from "node:assert/strict";
import { test } from "node:test";
import {
  DIAL_BOUNDS_MS,
  DialTimes,
  emptyBuckets,
  percentiles,
  RecentDials,
} from "../../src/dial_times.ts";
import { FakeClock } from "../support/fake_clock.ts";

test("DialTimes puts a duration at a bound below it, and what is beyond all at the end", () => {
  const times = new DialTimes();
  for (const ms of [0, 1, 1.5, 10_000, 10_001]) times.add(ms);
  const { counts, sumMs } = times.snapshot;
  assert.equal(counts.length, DIAL_BOUNDS_MS.length + 1);
  assert.deepEqual(counts.slice(0, 3), [2, 1, 0]);
  assert.deepEqual(counts.slice(-2), [1, 1]);
  assert.equal(sumMs, 20_003.5);
});

test("RecentDials forgets what is a minute old", async () => {
  const clock = new FakeClock();
  const recent = new RecentDials(clock);
  const total = (): number => recent.snapshot.reduce((a, b) => a + b);
  recent.add(3);
  await clock.advance(30_000);
  recent.add(3);
  assert.equal(total(), 2);
  await clock.advance(29_999);
  assert.equal(total(), 2);
  await clock.advance(1);
  assert.equal(total(), 1);
  // The place of the first is taken again.
  recent.add(3);
  assert.equal(total(), 2);
  await clock.advance(600_000);
  assert.equal(total(), 0);
});

test("percentiles() finds them within a bucket", () => {
  const counts = emptyBuckets();
  counts[DIAL_BOUNDS_MS.indexOf(10)] = 90;
  counts[DIAL_BOUNDS_MS.indexOf(100)] = 10;
  const { count, p50, p90, p99 } = percentiles(counts);
  assert.equal(count, 100);
  assert.ok(p50 > 7 && p50 < 8, String(p50));
  assert.equal(p90, 10);
  assert.equal(p99, 95);
});

test("percentiles() is 0 without dials, and the highest bound beyond it", () => {
  assert.deepEqual(percentiles(emptyBuckets()), {
    count: 0,
    p50: 0,
    p90: 0,
    p99: 0,
  });
  assert.equal(percentiles([...emptyBuckets().slice(1), 5]).p50, 10_000);
});
