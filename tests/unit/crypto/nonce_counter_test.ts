import assert from "node:assert/strict";
import { test } from "node:test";
import { NonceCounter } from "../../../src/crypto/nonce_counter.ts";
import { hex } from "../../support/bytes.ts";

test("NonceCounter counts from zero, little-endian, with carry", () => {
  const counter = new NonceCounter(12);
  assert.equal(counter.next().toHex(), "00".repeat(12));
  for (let i = 1; i <= 0xff; i++) counter.next();
  assert.equal(counter.next().toHex(), "0001" + "00".repeat(10));
  for (let i = 0x101; i < 0x10000; i++) counter.next();
  assert.equal(counter.next().toHex(), "000001" + "00".repeat(9));
});

test("NonceCounter carries through every byte of a 24-byte nonce", () => {
  const counter = new NonceCounter(24, hex("ff".repeat(23) + "00"));
  assert.equal(counter.next().toHex(), "ff".repeat(23) + "00");
  assert.equal(counter.next().toHex(), "00".repeat(23) + "01");
});

test("NonceCounter uses the last nonce and refuses to wrap, for good", () => {
  const counter = new NonceCounter(12, hex("fe" + "ff".repeat(11)));
  counter.next();
  assert.equal(counter.next().toHex(), "ff".repeat(12));
  assert.throws(() => counter.next(), RangeError);
  assert.throws(() => counter.next(), RangeError);
});
