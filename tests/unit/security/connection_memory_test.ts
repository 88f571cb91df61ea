import assert from "node:assert/strict";
import { test } from "node:test";
import { ConnectionMemory } from "../../../src/security/connection_memory.ts";
import { PACKET_WINDOW, SSR_EARLIER_CONNECTIONS } from "../../../src/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const replay = { code: "ERR_SS_REPLAY" };

test("add() takes ids in any order, each once", () => {
  const memory = new ConnectionMemory(new FakeClock());
  for (const connection of [500, 502, 501, 499, 8_000, 600]) {
    memory.add({ client: 1, connection });
    assert.throws(() => memory.add({ client: 1, connection }), replay);
  }
});

test("add() refuses ids that are too far before the first one, or the last", () => {
  const memory = new ConnectionMemory(new FakeClock());
  const first = 1_000;
  memory.add({ client: 1, connection: first });
  memory.add({ client: 1, connection: first - SSR_EARLIER_CONNECTIONS });
  const early = first - SSR_EARLIER_CONNECTIONS - 1;
  assert.throws(() => memory.add({ client: 1, connection: early }), replay);
  const last = 100_000;
  memory.add({ client: 1, connection: last });
  memory.add({ client: 1, connection: last - PACKET_WINDOW });
  const old = last - PACKET_WINDOW - 1;
  assert.throws(() => memory.add({ client: 1, connection: old }), replay);
});

test("add() tells users and clients apart", () => {
  const memory = new ConnectionMemory(new FakeClock());
  for (const user of [undefined, "1", "2"]) {
    for (const client of [1, 2]) {
      memory.add({ client, connection: 5, ...(user && { user }) });
    }
  }
  assert.throws(() => memory.add({ client: 2, connection: 5 }), replay);
});

test("add() forgets no client before its recordings are out of date", async () => {
  const clock = new FakeClock();
  const memory = new ConnectionMemory(clock, {
    maxSkewSeconds: 10,
    capacity: 2,
  });
  const full = { code: "ERR_POLICY_LIMIT" };
  memory.add({ client: 1, connection: 1 });
  await clock.advance(1_000);
  memory.add({ client: 2, connection: 1 });
  assert.throws(() => memory.add({ client: 3, connection: 1 }), full);
  await clock.advance(20_000);
  assert.throws(() => memory.add({ client: 3, connection: 1 }), full);
  assert.throws(() => memory.add({ client: 1, connection: 1 }), replay);
  // It was heard again; the other one has its 21 s behind it now.
  await clock.advance(1_001);
  memory.add({ client: 3, connection: 1 });
  assert.throws(() => memory.add({ client: 1, connection: 1 }), replay);
});

test("add() lets no user have more than a share", () => {
  const memory = new ConnectionMemory(new FakeClock(), { capacity: 8 });
  for (const client of [1, 2]) memory.add({ client, connection: 1, user: "a" });
  assert.throws(
    () => memory.add({ client: 3, connection: 1, user: "a" }),
    { code: "ERR_POLICY_LIMIT" },
  );
  memory.add({ client: 3, connection: 1, user: "b" });
});
