import assert from "node:assert/strict";
import { test } from "node:test";
import { concat, equalBytes, readU16, writeU16 } from "../../src/bytes.ts";

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
