import assert from "node:assert/strict";
import { test } from "node:test";
import { DayHistory, withHoles } from "../../../src/admin/day_history.ts";
import { Observations } from "../../../src/admin/observations.ts";
import type { Clock } from "../../../src/clock.ts";
import { DAY_HISTORY_MINUTES } from "../../../src/limits.ts";
import type { Minute } from "../../../src/minutes.ts";
import { FakeClock } from "../../support/fake_clock.ts";

test("DayHistory knows what happened in each minute, also without requests", async () => {
  const clock = new FakeClock();
  const observed = new Observations(clock);
  observed.bytesRelayed("up", 1);
  using day = new DayHistory(clock, () => observed.snapshot);
  const startMs = clock.unixMs();
  assert.deepEqual(day.minutes, []);
  observed.bytesRelayed("up", 2);
  observed.bytesRelayed("down", 30);
  observed.connectionOpened();
  observed.connectionRefused("ERR_SS_REPLAY");
  observed.connectionRefused("ERR_SS_REPLAY");
  await clock.advance(60_000);
  observed.connectionReleased();
  observed.connectionRefused("ERR_NET_IDLE");
  await clock.advance(60_000);
  await clock.advance(59_999);
  assert.deepEqual(day.minutes, [
    {
      ...{ unixMs: startMs + 60_000, bytesUp: 2, bytesDown: 30, open: 1 },
      refusals: { ERR_SS_REPLAY: 2 },
    },
    {
      ...{ unixMs: startMs + 120_000, bytesUp: 0, bytesDown: 0, open: 0 },
      refusals: { ERR_NET_IDLE: 1 },
    },
  ]);
});

test("DayHistory forgets what is older than a day, and ends with its owner", () => {
  // A day of turns of the event loop would take seconds.
  let nowMs = 0;
  let next = (): void => {};
  const clock: Clock = {
    monotonicMs: () => nowMs,
    unixMs: () => nowMs,
    schedule: (callback) => {
      next = callback;
      return () => {
        next = () => {};
      };
    },
  };
  const minute = (): void => {
    nowMs += 60_000;
    next();
  };
  const observed = new Observations(clock);
  const day = new DayHistory(clock, () => observed.snapshot);
  for (let i = 0; i < DAY_HISTORY_MINUTES + 5; i++) minute();
  assert.equal(day.minutes.length, DAY_HISTORY_MINUTES);
  const last = day.minutes.at(-1);
  day[Symbol.dispose]();
  minute();
  assert.equal(day.minutes.at(-1), last);
});

test("DayHistory goes on with the minutes that were kept, of the last day", async () => {
  const clock = new FakeClock();
  const kept: Minute[] = [];
  const old = clock.unixMs() - DAY_HISTORY_MINUTES * 60_000;
  const store = {
    minutes: (count: number) => kept.slice(-count),
    addMinute: (minute: Minute) => void kept.push(minute),
  };
  const minute = { bytesUp: 1, bytesDown: 2, open: 0, refusals: {} };
  kept.push({ unixMs: old - 1, ...minute }, { unixMs: old + 1, ...minute });
  const observed = new Observations(clock);
  using day = new DayHistory(clock, () => observed.snapshot, store);
  assert.deepEqual(day.minutes, [kept[1]]);
  observed.bytesRelayed("down", 7);
  await clock.advance(60_000);
  assert.equal(day.minutes.length, 2);
  assert.equal(kept.at(-1)!.bytesDown, 7);
  assert.equal(kept.length, 3);
});

test("withHoles() leaves a hole where nothing ran", () => {
  const minute = { bytesUp: 0, bytesDown: 0, open: 0, refusals: {} };
  const at = [60_000, 120_000, 600_000].map((unixMs) => ({
    unixMs,
    ...minute,
  }));
  assert.deepEqual(withHoles(at), [
    at[0],
    at[1],
    { unixMs: 120_001, bytesUp: null, bytesDown: null },
    at[2],
  ]);
  assert.deepEqual(withHoles([]), []);
});
