import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet } from "../support/memory_fleet.ts";
import { LEASE_HOLD_MS, SEAT_MS } from "../../src/limits.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  type FleetFixture,
  fleetSuite,
  sharedUser,
  usageReport,
} from "./fleet_suite.ts";

fleetSuite("memory", (): Promise<FleetFixture> => {
  const fleet = new MemoryFleet(new FakeClock());
  return Promise.resolve({
    link: (node) => fleet.link(node, "main"),
    put: (user) => Promise.resolve(fleet.put(user)),
    remove: (service, name) => Promise.resolve(fleet.remove(service, name)),
    usedBytes: (service, name) =>
      Promise.resolve(fleet.usedBytes(service, name)),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
});

test("memory: a lease is held for a silent node, and then another's", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  fleet.put(sharedUser("alice", { quotaBytes: 1_000 }));
  const [one, two] = [fleet.link("one"), fleet.link("two")];
  const [first, second] = [await one.join(), await two.join()];
  await one.report(first, [usageReport("alice", 1, { wantBytes: 1_000 })]);
  const ask = async (sequence: number): Promise<number> => {
    const report = usageReport("alice", sequence, { wantBytes: 500 });
    const { outcomes: [outcome] } = await two.report(second, [report]);
    assert(outcome?.kind === "lease");
    return outcome.lease.grantedBytes;
  };
  await clock.advance(LEASE_HOLD_MS);
  assert.equal(await ask(1), 0);
  await clock.advance(1);
  assert.equal(await ask(2), 500);
  // A node that returns has its usage counted, but its lease has ended.
  const late = usageReport("alice", 2, { bytesUp: 300, wantBytes: 1_000 });
  const { outcomes: [back] } = await one.report(first, [late]);
  assert(back?.kind === "lease");
  assert.equal(back.lease.grantedBytes, 300 + (1_000 - 300 - 500));
});

test("memory: a seat ends with its time", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  fleet.put(sharedUser("alice", { maxHosts: 1 }));
  const [one, two] = [fleet.link("one"), fleet.link("two")];
  const at = (place: string) => ({ service: "8388", name: "alice", place });
  assert.deepEqual(await one.keep([at("192.0.2.1")]), [true]);
  await clock.advance(SEAT_MS - 1);
  assert.deepEqual(await two.keep([at("192.0.2.2")]), [false]);
  await clock.advance(1);
  assert.deepEqual(await two.keep([at("192.0.2.2")]), [true]);
});

test("memory: the network to a source fails as the test sets it", async () => {
  const fleet = new MemoryFleet(new FakeClock());
  fleet.put(sharedUser("alice"));
  const link = fleet.link("one");
  const incarnation = await link.join();
  const say = (sequence: number, bytesUp: number) =>
    link.report(incarnation, [usageReport("alice", sequence, { bytesUp })]);
  fleet.reach.set("one", "loses answers");
  await assert.rejects(say(1, 10), { code: "ERR_NET_TIMEOUT" });
  fleet.reach.set("one", "down");
  await assert.rejects(say(2, 20), { code: "ERR_NET_TIMEOUT" });
  assert.equal(fleet.usedBytes("8388", "alice"), 10);
  fleet.reach.set("one", "doubles calls");
  await say(3, 30);
  assert.equal(fleet.usedBytes("8388", "alice"), 30);
  fleet.reach.set("one", "emptied");
  await assert.rejects(link.snapshot(["8388"]), { code: "ERR_STORE_DAMAGED" });
});

test("memory: a node that was away too long learns that changes are missing", async () => {
  const fleet = new MemoryFleet(new FakeClock());
  const link = fleet.link("one");
  const { position } = await link.snapshot(["8388"]);
  fleet.put(sharedUser("alice"));
  fleet.trim();
  fleet.put(sharedUser("bob"));
  const late = await link.changes(position);
  assert.equal(late.isIncomplete, true);
  assert.equal((await link.snapshot(["8388"])).users.length, 2);
});
