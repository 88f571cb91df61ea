import assert from "node:assert/strict";
import { test } from "node:test";
import {
  amount,
  describeTimes,
  shareOf,
} from "../../../src/cli/doctor/check_server.ts";
import { bar, Progress } from "../../../src/cli/doctor/progress.ts";
import { FakeClock } from "../../support/fake_clock.ts";

test("describeTimes() tells the middle, the least and the most", () => {
  assert.equal(
    describeTimes([30, 10, 20]),
    "20.0 ms (median of 3, least 10.0, most 30.0)",
  );
  assert.equal(
    describeTimes([40, 10, 20, 30]),
    "25.0 ms (median of 4, least 10.0, most 40.0)",
  );
  assert.match(describeTimes([7]), /^7\.0 ms \(median of 1,/);
});

test("amount() has both units in use", () => {
  const state = { bytes: 50 * 2 ** 20, total: undefined, elapsedMs: 5_000 };
  assert.equal(amount(state), "10.0 MiB/s (84 Mbit/s), 50.0 MiB in 5.0 s");
});

test("shareOf() follows what ends it first", () => {
  const share = (bytes: number, total: number | undefined, elapsedMs: number) =>
    shareOf({ bytes, total, elapsedMs }, 10_000);
  assert.equal(share(50, 100, 1_000), 0.5);
  assert.equal(share(50, 1_000, 9_000), 0.9);
  assert.equal(share(50, undefined, 1_000), 0.1);
});

test("bar() is as full as the share", () => {
  assert.equal(bar(0), `[${" ".repeat(24)}]`);
  assert.equal(bar(0.5), `[${"=".repeat(11)}>${" ".repeat(12)}]`);
  assert.equal(bar(1), `[${"=".repeat(24)}]`);
  assert.equal(bar(7), bar(1));
  assert.equal(bar(undefined), `[${".".repeat(24)}]`);
});

test("Progress draws one line over and over on a terminal, and wipes it", async () => {
  const { written, progress, clock } = screen(true);
  progress.show(0, "a");
  progress.show(0.5, "too soon");
  await clock.advance(100);
  progress.show(1, "b");
  progress.clear();
  progress.clear();
  assert.deepEqual(written, [
    `\r\x1b[K${bar(0)} a`,
    `\r\x1b[K${bar(1)} b`,
    "\r\x1b[K",
  ]);
});

test("Progress writes a plain line now and then, when there is no terminal", async () => {
  const { written, progress, clock } = screen(false);
  progress.show(0, "at once");
  await clock.advance(2_000);
  progress.show(0.5, "half");
  await clock.advance(1_999);
  progress.show(0.9, "too soon");
  progress.clear();
  assert.deepEqual(written, ["half\n"]);
});

function screen(isTerminal: boolean): {
  written: string[];
  progress: Progress;
  clock: FakeClock;
} {
  const written: string[] = [];
  const clock = new FakeClock();
  const write = (text: string): void => void written.push(text);
  return {
    written,
    clock,
    progress: new Progress({ write, isTerminal }, clock),
  };
}
