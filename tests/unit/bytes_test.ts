import assert from "node:assert/strict";
import { test } from "node:test";
import {
  concat,
  cutBytes,
  equalBytes,
  readU16,
  viewOf,
  writeU16,
} from "../../src/bytes.ts";
import { MAX_CUT_BYTES } from "../../src/limits.ts";

test("concat() joins any number of arrays into a fresh one", () => {
  const a = Uint8Array.of(1, 2);
  const joined = concat(a, new Uint8Array(0), Uint8Array.of(3));
  assert.deepEqual(joined, Uint8Array.of(1, 2, 3));
  joined[0] = 9;
  assert.equal(a[0], 1);
  assert.deepEqual(concat(), new Uint8Array(0));
});

test("readU16() and writeU16() are big-endian, at every edge", () => {
  for (const value of [0, 1, 0xff, 0x100, 0x3fff, 0x8000, 0xffff]) {
    const bytes = new Uint8Array(4);
    writeU16(bytes, 1, value);
    assert.equal(readU16(bytes, 1), value);
    assert.deepEqual([bytes[1], bytes[2]], [value >> 8, value & 0xff]);
  }
});

test("equalBytes() is true for equal content only", () => {
  assert.ok(equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 2)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1, 3)));
  assert.ok(!equalBytes(Uint8Array.of(1, 2), Uint8Array.of(1)));
  assert.ok(equalBytes(new Uint8Array(0), new Uint8Array(0)));
});

test("cutBytes() gives zeros that overlap with no others", () => {
  const lengths = [0, 1, 7, 8, 9, MAX_CUT_BYTES, MAX_CUT_BYTES + 1];
  // More than a piece has room for.
  const parts = Array.from({ length: 40 }, () => lengths.map(cutBytes)).flat();
  for (const [i, part] of parts.entries()) {
    assert.equal(part.length, lengths[i % lengths.length]);
    assert.ok(part.every((byte) => byte === 0), `part ${i}`);
    part.fill(i + 1);
  }
  for (const [i, part] of parts.entries()) {
    assert.ok(part.every((byte) => byte === (i + 1) % 256), `part ${i}`);
  }
});

test("viewOf() is subarray(), of a view too", () => {
  const bytes = Uint8Array.from({ length: 20 }, (_, i) => i).subarray(3);
  for (const [begin, end] of [[0, 17], [2, 9], [17, 17]] as const) {
    assert.deepEqual(viewOf(bytes, begin, end), bytes.subarray(begin, end));
    assert.deepEqual(viewOf(bytes, begin), bytes.subarray(begin));
  }
  viewOf(bytes, 1)[0] = 99;
  assert.equal(bytes[1], 99);
});
