import assert from "node:assert/strict";
import { test } from "node:test";
import { KeptMinutes } from "../../../../src/cli/run/kept_minutes.ts";
import { StoreError } from "../../../../src/errors.ts";

const MINUTE = { unixMs: 1, bytesUp: 0, bytesDown: 0, open: 0, refusals: {} };

test("KeptMinutes says once that a disk fails, and when it works again", () => {
  const lines: string[] = [];
  let isFull = true;
  const kept = new KeptMinutes({
    minutes: () => [MINUTE],
    addMinute: () => {
      if (isFull) throw new StoreError("ERR_STORE_FULL", "the disk is full");
    },
  }, {
    enabled: () => true,
    log: (level, message) => void lines.push(`${level} ${message}`),
  });
  kept.addMinute(MINUTE, 2);
  kept.addMinute(MINUTE, 2);
  isFull = false;
  kept.addMinute(MINUTE, 2);
  kept.addMinute(MINUTE, 2);
  assert.deepEqual(lines, [
    "warn cannot keep the history of minutes",
    "info minutes are kept again",
  ]);
  assert.deepEqual(kept.minutes(5), [MINUTE]);
  const broken = new KeptMinutes({
    minutes: () => {
      throw new RangeError("a defect");
    },
    addMinute: () => {},
  }, { enabled: () => true, log: () => {} });
  assert.throws(() => broken.minutes(1), RangeError);
});
