import assert from "node:assert/strict";
import { test } from "node:test";
import { SaltTable } from "../../../src/security/salt_table.ts";
import { seededBytes } from "../../support/bytes.ts";

const salt = (seed: number): Uint8Array => seededBytes(32, seed);

test("SaltTable finds every salt again, up to its capacity", () => {
  const table = SaltTable.make(1_024, 0, false);
  assert.equal(table.capacity, 1_024);
  for (let i = 0; i < 1_024; i++) assert.equal(table.add(salt(i)), true);
  assert.ok(table.isFull(table.young));
  for (let i = 0; i < 1_024; i++) assert.equal(table.add(salt(i)), false);
});

test("SaltTable remembers one generation back, and no further", () => {
  const table = SaltTable.make(4, 1_000, false);
  for (let turn = 0; turn < 10; turn++) {
    const { young } = table;
    assert.equal(table.add(salt(turn)), true);
    if (turn > 0) assert.equal(table.add(salt(turn - 1)), false);
    table.turn(young, 2_000 + turn);
    assert.equal(table.young.bornUnixMs, 2_000 + turn);
    assert.equal(table.add(salt(turn)), false);
    assert.equal(table.isFull(table.young), false);
  }
});

test("SaltTable turns once, when two threads find a generation due", () => {
  const table = SaltTable.make(4, 0, true);
  const other = new SaltTable(table.memory);
  const young = other.young;
  assert.equal(table.add(salt(1)), true);
  table.turn(table.young, 5);
  other.turn(young, 6);
  assert.equal(table.young.bornUnixMs, 5);
  assert.equal(other.add(salt(1)), false);
});

test("SaltTable takes salts that differ in one byte for different", () => {
  const table = SaltTable.make(64, 0, false);
  const first = new Uint8Array(16);
  assert.equal(table.add(first), true);
  for (let i = 0; i < 8; i++) {
    const other = first.slice();
    other[i] = 1;
    assert.equal(table.add(other), true);
    assert.equal(table.add(other), false);
  }
  assert.equal(table.add(first), false);
});
