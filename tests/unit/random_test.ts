import assert from "node:assert/strict";
import { test } from "node:test";
import { randomBelow, systemRandomBytes } from "../../src/random.ts";

test("systemRandomBytes() gives the length asked for, never the same", () => {
  const a = systemRandomBytes(32);
  assert.equal(a.length, 32);
  assert.notDeepEqual(a, systemRandomBytes(32));
});

test("randomBelow() stays below its bound, at both ends", () => {
  const low = (length: number): Uint8Array => new Uint8Array(length);
  const high = (length: number): Uint8Array => new Uint8Array(length).fill(255);
  assert.equal(randomBelow(10, low), 0);
  assert.equal(randomBelow(10, high), 9);
  assert.equal(randomBelow(1, high), 0);
});
