/**
 * Tests how nodes behave when the source, the network or a node fails: the rows
 * of the table in docs/fleet.md that need no real engine.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet, type Reach } from "../../../support/memory_fleet.ts";
import {
  FLEET_CALL_MS,
  FLEET_ENTER_MS,
  FLEET_FAR_TICK_MS,
  FLEET_TICK_MS,
  LEASE_RETRY_MS,
  SEAT_MS,
} from "../../../../src/limits.ts";
import { seededRandom } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import {
  Drinker,
  Node,
  QUOTA,
  SERVICE,
  startFleet,
  stop,
  user,
} from "../../../support/fleet_nodes.ts";

test("a slow source is warned of once, and asked no more than a fast one", async () => {
  const { fleet, clock, nodes: [node] } = await startFleet(
    { quotaBytes: 100_000_000 },
    ["one"],
  );
  fleet.reach.set("one", "slow");
  using visit = node!.connect();
  let isSettled = false;
  visit.settled!.then(() => isSettled = true, () => {});
  await clock.advance(FLEET_ENTER_MS - 1);
  assert.equal(isSettled, false);
  await clock.advance(1);
  assert.equal(isSettled, true);
  assert.equal(node!.member.status.uncertainAdmissions.slow, 1);
  const answerMs = 2 * FLEET_ENTER_MS;
  const drinker = new Drinker(visit);
  for (let ms = 0; ms < 9_000; ms += 100) {
    drinker.drink(100_000);
    await clock.advance(100);
  }
  const { reports, isUp, graceBytes } = node!.member.status;
  assert(reports.lease <= 9_000 / answerMs + 2, `${reports.lease} reports`);
  assert.deepEqual([isUp, graceBytes, reports.failed], [true, 0, 0]);
  assert.deepEqual(node!.lines, ["warn: fleet: the source is slow"]);
  await clock.advance(2 * FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), drinker.passed);
  fleet.reach.set("one", "answers");
  await stop(clock, [node!]);
});

test("a lease beyond a partition is held, is not another's, and is counted after", async () => {
  const quotaBytes = 3_000_000;
  const { fleet, clock, nodes } = await startFleet({ quotaBytes }, [
    ...["away", "here"],
  ], { outage: "strict" });
  const visits = nodes.map((node) => node.connect());
  await Promise.all(visits.map(({ settled }) => settled));
  const [away, here] = visits.map((visit) => new Drinker(visit));
  away!.drink(100_000);
  await clock.advance(FLEET_TICK_MS);
  const leased = nodes[0]!.member.status.leasedBytes;
  assert(leased > 100_000);
  fleet.reach.set("away", "frozen");
  while (!here!.isOver) {
    here!.drink(60_000);
    await clock.advance(20);
  }
  const told = fleet.usedBytes(SERVICE, "alice");
  assert(told + leased <= quotaBytes, `${told} and a lease of ${leased}`);
  // The user is served on the lease, and no further.
  while (!away!.isOver) {
    away!.drink(40_000);
    await clock.advance(100);
  }
  assert(away!.passed > 100_000 && away!.passed <= 100_000 + leased);
  assert(away!.passed + here!.passed <= quotaBytes);
  fleet.reach.set("away", "answers");
  await clock.advance(FLEET_CALL_MS + 2 * FLEET_TICK_MS);
  assert.equal(
    fleet.usedBytes(SERVICE, "alice"),
    away!.passed + here!.passed,
  );
  for (const visit of visits) visit[Symbol.dispose]();
  await stop(clock, nodes);
});

test("a gigabyte on three nodes is counted to the byte, whatever calls do", async () => {
  const names = ["one", "two", "three"];
  const { fleet, clock, nodes } = await startFleet({}, names);
  const next = seededRandom(11);
  const random = (): number => next() / 2 ** 32;
  const faults: Reach[] = ["doubles calls", "loses answers", "down", "slow"];
  const visits = nodes.map((node) => node.connect());
  let passed = 0;
  while (passed < 1e9) {
    for (const visit of visits) {
      const bytes = 1 + Math.floor(random() * 20_000_000);
      visit.count("down", bytes);
      passed += bytes;
    }
    for (const name of names) {
      const fault = faults[Math.floor(random() * faults.length)]!;
      fleet.reach.set(name, random() < 0.4 ? fault : "answers");
    }
    await clock.advance(700);
  }
  for (const name of names) fleet.reach.set(name, "answers");
  await clock.advance(FLEET_CALL_MS + FLEET_FAR_TICK_MS + FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), passed);
  for (const visit of visits) visit[Symbol.dispose]();
  await stop(clock, nodes);
});

test("a node that is killed without a disk loses a second, and doubles nothing", async () => {
  const next = seededRandom(3);
  for (let round = 0; round < 4; round++) {
    const clock = new FakeClock();
    const fleet = new MemoryFleet(clock);
    fleet.put(user({ quotaBytes: 500_000_000 }));
    const killed = await new Node(fleet, "one").start();
    const visit = killed.connect();
    await visit.settled;
    const drinker = new Drinker(visit);
    const untilMs = 500 + next() % 4_000;
    const [rate, stepMs] = [2_000_000, 100];
    for (let ms = 0; ms < untilMs; ms += stepMs) {
      drinker.drink(rate * stepMs / 1_000);
      await clock.advance(stepMs);
    }
    fleet.reach.set("one", "down");
    await clock.advance(2 * FLEET_TICK_MS);
    fleet.reach.set("one", "answers");
    const again = await new Node(fleet, "one").start();
    using other = again.connect();
    await other.settled;
    const after = new Drinker(other);
    for (let i = 0; i < 20; i++) {
      after.drink(10_000);
      await clock.advance(100);
    }
    await clock.advance(FLEET_TICK_MS);
    const counted = fleet.usedBytes(SERVICE, "alice");
    const lost = drinker.passed + after.passed - counted;
    assert(lost >= 0 && lost <= 1.1 * rate, `${lost} bytes are lost`);
    fleet.reach.set("one", "down");
    await stop(clock, [killed, again]);
  }
});

test("the seats of a node that is gone end by themselves, its leases later", async () => {
  const { fleet, clock, nodes } = await startFleet(
    { maxHosts: 1, quotaBytes: 400_000 },
    ["gone", "stays"],
    { leaseMs: 60_000 },
  );
  const [gone, stays] = [nodes[0]!, nodes[1]!];
  const visit = gone.connect("192.0.2.1");
  await visit.settled;
  fleet.reach.set("gone", "down");
  assert.equal(await stays.tries("192.0.2.2"), false);
  await clock.advance(SEAT_MS);
  assert.equal(await stays.tries("192.0.2.2"), true);
  using next = stays.connect("192.0.2.2");
  await next.settled;
  const before = new Drinker(next);
  while (!before.isOver) {
    before.drink(1_000);
    await clock.advance(20);
  }
  assert(before.passed < 400_000 - 200_000, `${before.passed} passed`);
  await clock.advance(60_000);
  assert.equal(next.count("down", 1_000) < 0, true);
  await clock.advance(LEASE_RETRY_MS);
  assert.equal(next.count("down", 1_000), 0);
  visit[Symbol.dispose]();
  await stop(clock, nodes);
});

test("an engine that was emptied for a while counts all when it is whole again", async () => {
  const { fleet, clock, nodes: [node] } = await startFleet(
    { quotaBytes: 10_000_000 },
    ["one"],
    { outage: "strict" },
  );
  using visit = node!.connect();
  await visit.settled;
  assert.equal(visit.count("up", 100_000), 0);
  fleet.reach.set("one", "emptied");
  await clock.advance(2 * FLEET_TICK_MS);
  assert.equal(visit.count("up", 100_000), 0);
  assert.throws(() => visit.count("up", 5_000_000), QUOTA);
  assert.equal(node!.accounts.size, 1);
  fleet.reach.set("one", "answers");
  await clock.advance(3 * FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 200_000);
  assert.equal(visit.count("up", 1_000), 0);
  await stop(clock, [node!]);
});
