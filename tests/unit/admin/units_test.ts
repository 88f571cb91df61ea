import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatAgo,
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatRate,
  formatShare,
  formatUntil,
} from "../../../src/admin/units.ts";

/** Arguments and what is shown. */
function shows<T extends unknown[]>(
  format: (...args: T) => string,
  cases: readonly (readonly [want: string, ...T])[],
): void {
  for (const [want, ...args] of cases) assert.equal(format(...args), want);
}

test("formatBytes() shows three digits in binary units, when sizes grow", () => {
  shows(formatBytes, [
    ["0 B", 0],
    ["999 B", 999],
    ["0.98 KiB", 1_000],
    ["1.00 KiB", 1_024],
    ["9.99 KiB", 10_234],
    ["10.0 KiB", 10_240],
    ["100 KiB", 102_400],
    ["999 KiB", 999 * 1_024],
    ["0.98 MiB", 1_000 * 1_024],
    ["38.6 GiB", 38.6 * 2 ** 30],
    ["2000 PiB", 2_000 * 2 ** 50],
  ]);
});

test("formatRate() counts bits by thousands or bytes by 1,024", () => {
  shows(formatRate, [
    ["0 bit/s", 0, "bit"],
    ["8.00 kbit/s", 1_000, "bit"],
    ["100 Mbit/s", 12_500_000, "bit"],
    ["1.00 Gbit/s", 124_999_999, "bit"],
    ["11.9 MiB/s", 12_500_000, "byte"],
    ["0 B/s", 0, "byte"],
  ]);
});

test("formatCount() groups digits by three", () => {
  shows(formatCount, [["0", 0], ["999", 999], ["1,000", 1_000], [
    "1,234,567",
    1_234_567,
  ]]);
});

test("formatMs() changes to seconds, when a wait is long", () => {
  shows(formatMs, [
    ["0 ms", 0],
    ["0.42 ms", 0.42],
    ["9.5 ms", 9.5],
    ["12 ms", 12.4],
    ["999 ms", 999.4],
    ["1.00 s", 999.6],
    ["12.3 s", 12_340],
  ]);
});

test("formatDuration() shows the two largest units", () => {
  shows(formatDuration, [
    ["0 s", -5],
    ["59 s", 59_999],
    ["1 min", 60_000],
    ["5 min 12 s", 312_000],
    ["1 h 1 min", 3_660_000],
    ["3 d 4 h", 76 * 3_600_000],
    ["2 d", 48 * 3_600_000],
  ]);
});

test("formatAgo() says never, when there was nothing", () => {
  const now = 1_800_000_000_000;
  shows(formatAgo, [
    ["never", 0, now],
    ["now", now - 2_000, now],
    ["now", now + 60_000, now],
    ["3 s ago", now - 3_000, now],
    ["59 min ago", now - 3_599_000, now],
    ["23 h ago", now - 86_399_000, now],
    ["400 d ago", now - 400 * 86_400_000, now],
  ]);
});

test("formatUntil() tells past from future", () => {
  shows(formatUntil, [
    ["in 1 s", 1_001, 1_000],
    ["in 2 d", 2 * 86_400_000, 0],
    ["0 s ago", 1_000, 1_000],
    ["5 min ago", 0, 300_000],
  ]);
});

test("formatShare() hides no small part, and rounds none up", () => {
  shows(formatShare, [
    ["0 %", 0],
    ["<1 %", 0.000_1],
    ["1 %", 0.01],
    ["99 %", 0.999],
    ["100 %", 1],
    ["223 %", 2.23],
  ]);
});
