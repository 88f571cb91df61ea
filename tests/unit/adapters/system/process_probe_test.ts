import assert from "node:assert/strict";
import { closeSync, existsSync, openSync } from "node:fs";
import { describe, test } from "node:test";
import { ProcessProbe } from "../../../../src/adapters/system/process_probe.ts";
import type { Clock } from "../../../../src/clock.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

describe("ProcessProbe", () => {
  test("tells how late a timer was, for a second", async () => {
    const clock = new FakeClock();
    let lateMs = 0;
    const tardy: Clock = {
      monotonicMs: () => clock.monotonicMs(),
      unixMs: () => clock.unixMs(),
      schedule: (callback, delayMs) =>
        clock.schedule(callback, delayMs + lateMs),
    };
    using probe = new ProcessProbe(tardy);
    lateMs = 70;
    await clock.advance(100);
    assert.equal(probe.eventLoopLagMs, 0);
    // The next timer is due at 200 and comes at 270.
    await clock.advance(160);
    assert.equal(probe.eventLoopLagMs, 60);
    lateMs = 0;
    await clock.advance(10);
    assert.equal(probe.eventLoopLagMs, 70);
    await clock.advance(900);
    assert.equal(probe.eventLoopLagMs, 70);
    await clock.advance(200);
    assert.equal(probe.eventLoopLagMs, 0);
  });

  test("leaves no timer behind", () => {
    const clock = new FakeClock();
    const probe = new ProcessProbe(clock);
    assert.equal(clock.pending, 1);
    probe[Symbol.dispose]();
    assert.equal(clock.pending, 0);
  });

  test("sees a real event loop that is held up", async () => {
    using probe = new ProcessProbe();
    const untilMs = performance.now() + 250;
    while (performance.now() < untilMs);
    assert.ok(probe.eventLoopLagMs >= 100, String(probe.eventLoopLagMs));
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.ok(probe.eventLoopLagMs >= 100, String(probe.eventLoopLagMs));
  });

  test("counts memory and descriptors", (t) => {
    using probe = new ProcessProbe();
    assert.ok(probe.residentBytes > 10_000_000);
    if (!existsSync("/proc/self/fd")) return t.skip("there is no /proc");
    const before = probe.descriptors!;
    assert.ok(before.open > 2 && before.limit > before.open);
    const opened = Array.from({ length: 20 }, () => openSync("/dev/null", "r"));
    const after = probe.descriptors!.open;
    for (const descriptor of opened) closeSync(descriptor);
    assert.ok(Math.abs(after - before.open - 20) <= 3, `${after}`);
  });
});
