import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clockOffset,
  dateOfResponse,
  httpDateSeconds,
  judgeClock,
  judgeKeptClock,
} from "../../../src/cli/doctor/judge_clock.ts";
import { utf8 } from "../../support/bytes.ts";

test("clockOffset() is 0, when whole seconds and the way explain it", () => {
  assert.equal(clockOffset(100, 100_000, 100_010), 0);
  assert.equal(clockOffset(100, 100_999, 100_999), 0);
  assert.equal(clockOffset(100, 101_000, 101_000), 0);
  // On the way for three seconds.
  assert.equal(clockOffset(102, 100_500, 103_500), 0);
});

test("clockOffset() is positive, when the other clock is ahead", () => {
  assert.equal(clockOffset(190, 100_000, 100_010), 90);
  assert.equal(clockOffset(10, 100_500, 100_510), -90);
  assert.equal(clockOffset(100, 102_000, 102_000), -1);
});

test("httpDateSeconds() reads a date, or nothing", () => {
  assert.equal(httpDateSeconds("Thu, 01 Jan 1970 00:01:00 GMT"), 60);
  assert.equal(httpDateSeconds("yesterday"), undefined);
  assert.equal(httpDateSeconds(null), undefined);
});

test("dateOfResponse() finds the date of HTTP only", () => {
  const date = "Thu, 01 Jan 1970 00:01:00 GMT";
  const head = (line: string): Uint8Array =>
    utf8(`${line}\r\nServer: x\r\nDATE:  ${date}\r\n\r\n`);
  assert.equal(dateOfResponse(head("HTTP/1.1 404 Not Found")), 60);
  assert.equal(dateOfResponse(head("SSH-2.0-x")), undefined);
  assert.equal(dateOfResponse(utf8("HTTP/1.1 200 OK\r\n\r\n")), undefined);
});

test("judgeClock() fails beyond what 2022 allows, and there alone", () => {
  const verdict = (offset: number, needsClock: boolean): string =>
    judgeClock(offset, "x", needsClock).verdict;
  assert.deepEqual([0, 10, -11, 30, -31].map((n) => verdict(n, true)), [
    "ok",
    "ok",
    "warn",
    "warn",
    "fail",
  ]);
  assert.equal(verdict(3_600, false), "ok");
});

test("judgeClock() says which way, seen from here", () => {
  assert.match(judgeClock(90, "x", true).detail, /^90 s behind that of x/);
  assert.match(judgeClock(-90, "x", true).detail, /^90 s ahead of that of x/);
});

test("judgeKeptClock() is content with a kept clock, and silent of others", () => {
  assert.equal(judgeKeptClock(true, true).verdict, "ok");
  assert.equal(judgeKeptClock(undefined, true).verdict, "skip");
  assert.equal(judgeKeptClock(false, true).verdict, "warn");
  assert.equal(judgeKeptClock(false, false).verdict, "ok");
});
