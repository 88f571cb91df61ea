import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CLOCK_LOOK_MS,
  ClockWatch,
} from "../../../../src/cli/run/clock_watch.ts";
import type { Logger } from "../../../../src/observe.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

test("ClockWatch tells of each step once, and moves the start with it", async () => {
  const clock = new FakeClock();
  const lines: unknown[] = [];
  const logger: Logger = {
    enabled: () => true,
    log: (level, message, fields) =>
      lines.push([level, message, fields?.["seconds"]]),
  };
  const began = clock.unixMs();
  {
    using watch = new ClockWatch(clock, logger);
    await clock.advance(CLOCK_LOOK_MS);
    clock.setForward(900);
    await clock.advance(3 * CLOCK_LOOK_MS);
    assert.equal(watch.startedUnixMs, began);
    clock.setForward(-900 - 3_600_000);
    await clock.advance(CLOCK_LOOK_MS);
    assert.equal(watch.startedUnixMs, began - 3_600_000);
    clock.setForward(8 * 3_600_000);
    assert.equal(watch.startedUnixMs, began + 7 * 3_600_000);
    await clock.advance(3 * CLOCK_LOOK_MS);
  }
  assert.deepEqual(lines, [
    ["warn", "the clock of this machine was set back", 3_600],
    ["warn", "the clock of this machine was set forward", 28_800],
  ]);
  assert.equal(clock.pending, 0);
});
