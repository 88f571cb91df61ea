import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_TIMER_MS, WHEEL_TICK_MS } from "../../src/limits.ts";
import { TimerWheel } from "../../src/timer_wheel.ts";
import { FakeClock } from "../support/fake_clock.ts";

test("TimerWheel calls back on time or up to a tick late, never early", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const startMs = clock.monotonicMs();
  const lateMs: number[] = [];
  for (let delayMs = 1_000; delayMs < 5_000; delayMs += 37) {
    wheel.schedule(() => {
      lateMs.push(clock.monotonicMs() - startMs - delayMs);
    }, delayMs);
  }
  const scheduled = Math.ceil(4_000 / 37);
  await clock.advance(6_000);
  assert.equal(lateMs.length, scheduled);
  assert.ok(Math.min(...lateMs) >= 0, `${Math.min(...lateMs)}`);
  assert.ok(Math.max(...lateMs) < WHEEL_TICK_MS, `${Math.max(...lateMs)}`);
  assert.equal(clock.pending, 0);
});

test("TimerWheel has one timer, and none once all is cancelled", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let calls = 0;
  const cancels = Array.from(
    { length: 1_000 },
    (_, i) => wheel.schedule(() => calls++, 1_000 + i),
  );
  assert.equal(clock.pending, 1);
  for (const cancel of cancels) cancel();
  assert.equal(clock.pending, 0);
  for (const cancel of cancels) cancel();
  await clock.advance(5_000);
  assert.equal(calls, 0);
});

test("TimerWheel takes what is due sooner than what it waits for", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  const calls: string[] = [];
  wheel.schedule(() => calls.push("late"), 9_000);
  wheel.schedule(() => {
    calls.push("soon");
    wheel.schedule(() => calls.push("again"), 1_000);
  }, 1_000);
  await clock.advance(3_000);
  assert.deepEqual(calls, ["soon", "again"]);
  await clock.advance(9_000);
  assert.deepEqual(calls, ["soon", "again", "late"]);
});

test("TimerWheel calls the others, when one throws", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let calls = 0;
  wheel.schedule(() => {
    throw new Error("a defect");
  }, 1_000);
  wheel.schedule(() => calls++, 1_000);
  await assert.rejects(clock.advance(2_000), /a defect/);
  await clock.advance(2_000);
  assert.equal(calls, 1);
});

test("TimerWheel waits longer than a timer can", async () => {
  const clock = new FakeClock();
  const wheel = new TimerWheel(clock);
  let calls = 0;
  wheel.schedule(() => calls++, 2 * MAX_TIMER_MS);
  await clock.advance(MAX_TIMER_MS + 1);
  assert.equal(calls, 0);
  await clock.advance(MAX_TIMER_MS + WHEEL_TICK_MS);
  assert.equal(calls, 1);
});
