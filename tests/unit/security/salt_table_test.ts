import assert from "node:assert/strict";
import { test } from "node:test";
import { SaltTable } from "../../../src/security/salt_table.ts";
import { seededBytes } from "../../support/bytes.ts";

const salt = (seed: number): Uint8Array => seededBytes(32, seed);

test("SaltTable finds every salt again, up to its capacity", () => {
  const table = SaltTable.make(1_024, false);
  assert.equal(table.capacity, 1_024);
  for (let i = 0; i < 1_024; i++) assert.equal(table.add(salt(i)), true);
  assert.ok(table.isFull(table.young));
  for (let i = 0; i < 1_024; i++) assert.equal(table.add(salt(i)), false);
});

test("SaltTable remembers one generation back, and no further", () => {
  const table = SaltTable.make(4, false);
  for (let turn = 0; turn < 10; turn++) {
    const { young } = table;
    assert.equal(table.add(salt(turn)), true);
    if (turn > 0) assert.equal(table.add(salt(turn - 1)), false);
    table.turn(young);
    assert.equal(table.young, turn + 1);
    assert.equal(table.add(salt(turn)), false);
    assert.equal(table.isFull(table.young), false);
  }
});

test("SaltTable turns once, when two threads find a generation due", () => {
  const table = SaltTable.make(4, true);
  const other = new SaltTable(table.memory);
  const young = other.young;
  assert.equal(table.add(salt(1)), true);
  table.turn(table.young);
  other.turn(young);
  assert.equal(table.young, 1);
  assert.equal(other.add(salt(1)), false);
});

test("SaltTable takes salts that differ in one byte for different", () => {
  const table = SaltTable.make(64, false);
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

test("SaltTable tells the newest time stamp of what it has forgotten", () => {
  const table = SaltTable.make(4, true);
  const stamps = [[50, 70, 60], [80], [75, 65], [10]];
  for (const [turn, generation] of stamps.entries()) {
    for (const [i, stamp] of generation.entries()) {
      assert.equal(table.add(salt(10 * turn + i), stamp), true);
    }
    const expected = [0, 0, 70, 80];
    assert.equal(table.forgottenSeconds, expected[turn]);
    assert.equal(
      new SaltTable(table.memory).forgottenSeconds,
      expected[turn],
    );
    table.turn(table.young);
  }
  table.turn(table.young);
  table.turn(table.young);
  assert.equal(table.forgottenSeconds, 80);
});
