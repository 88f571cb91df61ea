import assert from "node:assert/strict";
import { test } from "node:test";
import { NonceCounter } from "../../../src/crypto/nonce_counter.ts";

test("NonceCounter counts from zero, little-endian, with carry", () => {
  const counter = new NonceCounter(12);
  assert.equal(counter.next().toHex(), "00".repeat(12));
  for (let i = 1; i <= 0xff; i++) counter.next();
  assert.equal(counter.next().toHex(), "0001" + "00".repeat(10));
  for (let i = 0x101; i < 0x10000; i++) counter.next();
  assert.equal(counter.next().toHex(), "000001" + "00".repeat(9));
});

test("NonceCounter carries through every byte that it uses", () => {
  for (let bytes = 1; bytes < 7; bytes++) {
    const counter = new NonceCounter(24, 256 ** bytes - 1);
    const rest = "00".repeat(23 - bytes);
    assert.equal(counter.next().toHex(), "ff".repeat(bytes) + "00" + rest);
    assert.equal(counter.next().toHex(), "00".repeat(bytes) + "01" + rest);
  }
});

test("two counters of one length do not disturb each other", () => {
  const [one, other] = [
    new NonceCounter(12, 0x1_0000_0000),
    new NonceCounter(12),
  ];
  const rest = "00".repeat(11);
  assert.equal(one.next().toHex(), "0000000001" + "00".repeat(7));
  assert.equal(other.next().toHex(), "00" + rest);
  assert.equal(one.next().toHex(), "0100000001" + "00".repeat(7));
  assert.equal(other.next().toHex(), "01" + rest);
});

test("NonceCounter uses the last nonce and refuses to wrap, for good", () => {
  const counter = new NonceCounter(12, Number.MAX_SAFE_INTEGER - 1);
  assert.equal(
    counter.next().toHex(),
    "fe" + "ff".repeat(5) + "1f" + "00".repeat(5),
  );
  assert.equal(counter.next().toHex(), "ff".repeat(6) + "1f" + "00".repeat(5));
  assert.throws(() => counter.next(), RangeError);
  assert.throws(() => counter.next(), RangeError);
});
