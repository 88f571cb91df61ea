import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionMemory } from "../../../src/security/connection_memory.ts";
import { PACKET_WINDOW, SSR_EARLIER_CONNECTIONS } from "../../../src/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const replay = { code: "ERR_SS_REPLAY" };
const full = { code: "ERR_POLICY_LIMIT" };
const HOST = "192.0.2.1";
const OTHER = "192.0.2.2";

test("add() takes ids in any order, each once", () => {
  const memory = new ConnectionMemory(new FakeClock());
  for (const connection of [500, 502, 501, 499, 8_000, 600]) {
    memory.add({ client: 1, connection }, HOST);
    assert.throws(() => memory.add({ client: 1, connection }, HOST), replay);
  }
});

test("add() refuses ids that are too far before the first one, or the last", () => {
  const memory = new ConnectionMemory(new FakeClock());
  const first = 1_000;
  memory.add({ client: 1, connection: first }, HOST);
  memory.add({ client: 1, connection: first - SSR_EARLIER_CONNECTIONS }, HOST);
  const early = first - SSR_EARLIER_CONNECTIONS - 1;
  assert.throws(
    () => memory.add({ client: 1, connection: early }, HOST),
    replay,
  );
  const last = 100_000;
  memory.add({ client: 1, connection: last }, HOST);
  memory.add({ client: 1, connection: last - PACKET_WINDOW }, HOST);
  const old = last - PACKET_WINDOW - 1;
  assert.throws(() => memory.add({ client: 1, connection: old }, HOST), replay);
});

test("add() tells users and clients apart", () => {
  const memory = new ConnectionMemory(new FakeClock());
  for (const user of [undefined, "1", "2"]) {
    for (const client of [1, 2]) {
      memory.add({ client, connection: 5, ...(user && { user }) }, HOST);
    }
  }
  assert.throws(() => memory.add({ client: 2, connection: 5 }, HOST), replay);
});

test("add() forgets no client before its recordings are out of date", async () => {
  const clock = new FakeClock();
  const memory = new ConnectionMemory(clock, {
    maxSkewSeconds: 10,
    capacity: 2,
  });
  memory.add({ client: 1, connection: 1 }, HOST);
  await clock.advance(1_000);
  memory.add({ client: 2, connection: 1 }, OTHER);
  assert.throws(() => memory.add({ client: 3, connection: 1 }, OTHER), full);
  await clock.advance(20_000);
  assert.throws(() => memory.add({ client: 3, connection: 1 }, OTHER), full);
  assert.throws(() => memory.add({ client: 1, connection: 1 }, HOST), replay);
  // It was heard again; the other one has its 21 s behind it now.
  await clock.advance(1_001);
  memory.add({ client: 3, connection: 1 }, OTHER);
  assert.throws(() => memory.add({ client: 1, connection: 1 }, HOST), replay);
});

test("add() lets no user have more than a share", () => {
  const memory = new ConnectionMemory(new FakeClock(), { capacity: 8 });
  for (const client of [1, 2]) {
    memory.add({ client, connection: 1, user: "a" }, HOST);
  }
  assert.throws(
    () => memory.add({ client: 3, connection: 1, user: "a" }, HOST),
    full,
  );
  memory.add({ client: 3, connection: 1, user: "b" }, HOST);
});

test("add() lets no network have more than a share where there are no users", async () => {
  const clock = new FakeClock();
  const memory = new ConnectionMemory(clock, {
    capacity: 8,
    maxSkewSeconds: 10,
  });
  let client = 0;
  const add = (host: string): void =>
    memory.add({ client: ++client, connection: 1 }, host);
  for (
    const [host, neighbour, other] of [
      ["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.2"],
      ["2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1"],
    ] as const
  ) {
    add(host);
    add(neighbour);
    assert.throws(() => add(neighbour), full);
    add(other);
  }
  // A client stays in the share of the network that it came from first.
  memory.add({ client: 1, connection: 2 }, "192.0.2.2");
  add("192.0.2.2");
  assert.throws(() => add("192.0.2.2"), full);
  await clock.advance(21_001);
  add("192.0.2.1");
});
