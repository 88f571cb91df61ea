import assert from "node:assert/strict";
import { test } from "node:test";
import { SALT_POOL_MS } from "../../../src/limits.ts";
import {
  PacketMemory,
  type SessionSource,
} from "../../../src/security/packet_memory.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const FULL = { code: "ERR_POLICY_LIMIT" };

const ALICE = { host: "192.0.2.1", user: "alice" };
const BOB = { host: "192.0.2.1", user: "bob" };

let clients = 0;

/** Another client. */
function from(): SessionSource {
  return { host: `198.51.100.${++clients}` };
}

test("PacketMemory forgets what ended long ago, when it needs the room", async () => {
  const clock = new FakeClock();
  const memory = new PacketMemory<number>(clock, () => {}, 3);
  memory.use("a", 1, from());
  memory.use("b", 2, from());
  memory.use("c", 3, from());
  memory.use("a", 1, from());
  assert.throws(() => memory.use("d", 4, from()), FULL);
  memory.end("a");
  memory.end("a");
  memory.end("nobody");
  assert.equal(memory.inUse("a"), false);
  assert.equal(memory.find("a"), 1);
  assert.throws(() => memory.use("d", 4, from()), FULL);
  await clock.advance(SALT_POOL_MS);
  assert.throws(() => memory.use("d", 4, from()), FULL);
  await clock.advance(1);
  memory.use("d", 4, from());
  assert.equal(memory.find("a"), undefined);
  assert.deepEqual(["b", "c", "d"].map((name) => memory.find(name)), [2, 3, 4]);
});

test("PacketMemory puts an ended session to use again, even when it is full", () => {
  const memory = new PacketMemory<number>(new FakeClock(), () => {}, 1);
  memory.use("a", 1, from());
  memory.end("a");
  assert.throws(() => memory.use("b", 2, from()), FULL);
  memory.use("a", 1, from());
  assert.ok(memory.inUse("a"));
});

test("PacketMemory lets no user fill it alone", async () => {
  const clock = new FakeClock();
  const memory = new PacketMemory<number>(clock, () => {}, 8);
  for (const name of ["a1", "a2"]) {
    memory.use(name, 1, ALICE);
    memory.end(name);
  }
  assert.throws(() => memory.use("a3", 1, ALICE), FULL);
  memory.use("a1", 1, ALICE);
  for (const name of ["b1", "b2"]) memory.use(name, 1, BOB);
  assert.throws(() => memory.use("b3", 1, BOB), FULL);
  // Who has no name is not one user.
  for (const name of ["1", "2", "3", "4"]) memory.use(name, 1, from());
  assert.throws(() => memory.use("5", 1, from()), FULL);
  await clock.advance(SALT_POOL_MS + 1);
  memory.use("a3", 1, ALICE);
  assert.throws(() => memory.use("a4", 1, ALICE), FULL);
  assert.equal(memory.find("a2"), undefined);
});

test("PacketMemory lets no client network fill it alone", async () => {
  for (
    const [hosts, other] of [
      [["192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"], "192.0.2.2"],
      [["2001:db8::1", "2001:db8::2:0:0:1", "2001:db8::3"], "2001:db8:0:1::1"],
    ] as const
  ) {
    const clock = new FakeClock();
    const memory = new PacketMemory<number>(clock, () => {}, 8);
    let names = 0;
    for (const host of hosts.slice(0, 2)) {
      memory.use(`of ${host} ${names++}`, 1, { host });
    }
    memory.use("1", 1, { host: other });
    assert.throws(() => memory.use("2", 1, { host: hosts[2] }), FULL);
    memory.use("2", 1, { host: other });
    // A user of that name is somebody else.
    memory.use("3", 1, { host: hosts[0], user: hosts[0] });
    await clock.advance(SALT_POOL_MS + 1);
    assert.throws(() => memory.use("4", 1, { host: hosts[2] }), FULL);
  }
});

test("PacketMemory counts a session that moves where it began", async () => {
  const clock = new FakeClock();
  const memory = new PacketMemory<number>(clock, () => {}, 4);
  memory.use("a", 1, { host: "192.0.2.1" });
  memory.end("a");
  memory.use("a", 1, { host: "192.0.2.2" });
  memory.end("a");
  assert.throws(() => memory.use("b", 1, { host: "192.0.2.1" }), FULL);
  memory.use("c", 1, { host: "192.0.2.2" });
  await clock.advance(SALT_POOL_MS + 1);
  memory.use("b", 1, { host: "192.0.2.1" });
});

test("PacketMemory hands out each session it forgets", async () => {
  const clock = new FakeClock();
  const forgotten: [string, number][] = [];
  const memory = new PacketMemory<number>(
    clock,
    (name, session) => forgotten.push([name, session]),
  );
  memory.use("a", 1, from());
  memory.use("b", 2, from());
  memory.end("a");
  await clock.advance(SALT_POOL_MS + 1);
  memory.use("c", 3, from());
  assert.deepEqual(forgotten, [["a", 1]]);
});
