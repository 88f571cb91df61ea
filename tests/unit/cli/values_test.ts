import assert from "node:assert/strict";
import { test } from "node:test";
import {
  readDate,
  readRate,
  readSize,
} from "../../../src/cli/config/values.ts";

test("readSize() takes bytes, and units of 1000 and of 1024", () => {
  const cases: [unknown, number][] = [
    [1, 1],
    ["7", 7],
    ["1 B", 1],
    ["50 GB", 50e9],
    ["50GB", 50e9],
    ["1.1 GB", 1_100_000_000],
    ["0.001 kB", 1],
    ["10 GiB", 10 * 2 ** 30],
    ["1.5 KiB", 1536],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["9007.199254740991 TB", Number.MAX_SAFE_INTEGER],
  ];
  for (const [value, bytes] of cases) assert.equal(readSize(value), bytes);
});

test("readRate() takes bytes and bits a second", () => {
  const cases: [unknown, number][] = [
    [125_000, 125_000],
    ["125000", 125_000],
    ["10 Mbit/s", 1_250_000],
    ["1 Gbit/s", 125_000_000],
    ["8 bit/s", 1],
    ["2 MB/s", 2_000_000],
    ["1 MiB/s", 1_048_576],
    ["0.5 Mbit/s", 62_500],
  ];
  for (const [value, bytes] of cases) assert.equal(readRate(value), bytes);
});

test("readSize() and readRate() take nothing that is not exact", () => {
  const neither: unknown[] = [
    ...[0, -1, 1.5, NaN, Infinity, true, null, [], {}, 2 ** 53],
    ...["", "0", "0 GB", "-1 GB", "1.5", "1 gb", "1 G", "1e9", "GB", "1  GB"],
    ...["1. GB", ".5 GB", "1 GB ", "0.0001 kB", "9007199254741 GB"],
    ...["1 toString", "9".repeat(16)],
  ];
  for (const value of neither) {
    assert.equal(readSize(value), undefined, String(value));
    assert.equal(readRate(value), undefined, String(value));
  }
  // A size is no rate, and 1 bit/s no whole number of bytes.
  assert.equal(readSize("1 MB/s"), undefined);
  for (const value of ["1 MB", "1 bit/s", "12 bit/s", "10 Mbps"]) {
    assert.equal(readRate(value), undefined, value);
  }
});

test("readDate() takes days in UTC, and times that name their zone", () => {
  assert.equal(readDate("2027-01-31"), Date.UTC(2027, 0, 31));
  assert.equal(readDate("2027-01-31T12:00Z"), Date.UTC(2027, 0, 31, 12));
  assert.equal(
    readDate("2027-01-31T12:00:00.5+02:00"),
    Date.UTC(2027, 0, 31, 10, 0, 0, 500),
  );
  const neither: unknown[] = [
    ...["", "soon", "2027", "2027-01", "31.1.2027", "2027-13-01"],
    ...["2027-01-31T12:00:00", "2027-01-31 12:00:00Z", "2027-01-31T25:00Z"],
    ...[0, null, 2027],
  ];
  for (const value of neither) {
    assert.equal(readDate(value), undefined, String(value));
  }
});
