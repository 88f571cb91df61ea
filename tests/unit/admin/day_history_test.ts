import assert from "node:assert/strict";
import { test } from "node:test";
import { DayHistory } from "../../../src/admin/day_history.ts";
import { Observations } from "../../../src/admin/observations.ts";
import { DAY_HISTORY_MINUTES } from "../../../src/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";

test("DayHistory knows what happened in each minute, though nobody looked", async () => {
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

test("DayHistory forgets what is older than a day, and ends with its owner", async () => {
  const clock = new FakeClock();
  const observed = new Observations(clock);
  const day = new DayHistory(clock, () => observed.snapshot);
  for (let i = 0; i < DAY_HISTORY_MINUTES + 5; i++) await clock.advance(60_000);
  assert.equal(day.minutes.length, DAY_HISTORY_MINUTES);
  const last = day.minutes.at(-1);
  day[Symbol.dispose]();
  await clock.advance(600_000);
  assert.equal(day.minutes.at(-1), last);
});
