import assert from "node:assert/strict";
import { test } from "node:test";
import { SALT_POOL_MS } from "../../../src/limits.ts";
import { PacketMemory } from "../../../src/security/packet_memory.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const FULL = { code: "ERR_POLICY_LIMIT" };

test("PacketMemory forgets what ended long ago, when it needs the room", async () => {
  const clock = new FakeClock();
  const memory = new PacketMemory<number>(clock, () => {}, 3);
  memory.use("a", 1);
  memory.use("b", 2);
  memory.use("c", 3);
  memory.use("a", 1);
  assert.throws(() => memory.use("d", 4), FULL);
  memory.end("a");
  memory.end("a");
  memory.end("nobody");
  assert.equal(memory.inUse("a"), false);
  assert.equal(memory.find("a"), 1);
  assert.throws(() => memory.use("d", 4), FULL);
  await clock.advance(SALT_POOL_MS);
  assert.throws(() => memory.use("d", 4), FULL);
  await clock.advance(1);
  memory.use("d", 4);
  assert.equal(memory.find("a"), undefined);
  assert.deepEqual(["b", "c", "d"].map((name) => memory.find(name)), [2, 3, 4]);
});

test("PacketMemory puts an ended session to use again, even when it is full", () => {
  const memory = new PacketMemory<number>(new FakeClock(), () => {}, 1);
  memory.use("a", 1);
  memory.end("a");
  assert.throws(() => memory.use("b", 2), FULL);
  memory.use("a", 1);
  assert.ok(memory.inUse("a"));
});

test("PacketMemory lets no user fill it alone", async () => {
  const clock = new FakeClock();
  const memory = new PacketMemory<number>(clock, () => {}, 8);
  for (const name of ["a1", "a2"]) {
    memory.use(name, 1, "alice");
    memory.end(name);
  }
  assert.throws(() => memory.use("a3", 1, "alice"), FULL);
  memory.use("a1", 1, "alice");
  for (const name of ["b1", "b2"]) memory.use(name, 1, "bob");
  assert.throws(() => memory.use("b3", 1, "bob"), FULL);
  // Who has no name is not one user.
  for (const name of ["1", "2", "3", "4"]) memory.use(name, 1);
  assert.throws(() => memory.use("5", 1), FULL);
  await clock.advance(SALT_POOL_MS + 1);
  memory.use("a3", 1, "alice");
  assert.throws(() => memory.use("a4", 1, "alice"), FULL);
  assert.equal(memory.find("a2"), undefined);
});

test("PacketMemory hands out each session it forgets", async () => {
  const clock = new FakeClock();
  const forgotten: [string, number][] = [];
  const memory = new PacketMemory<number>(
    clock,
    (name, session) => forgotten.push([name, session]),
  );
  memory.use("a", 1);
  memory.use("b", 2);
  memory.end("a");
  await clock.advance(SALT_POOL_MS + 1);
  memory.use("c", 3);
  assert.deepEqual(forgotten, [["a", 1]]);
});
