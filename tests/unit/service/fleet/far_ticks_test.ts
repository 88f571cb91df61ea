/**
 * Tests that users who are far from every shared limit are reported less often,
 * and that the loss at the death of a node stays bounded.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet } from "../../../support/memory_fleet.ts";
import {
  FLEET_CALL_MS,
  FLEET_FAR_BYTES,
  FLEET_FAR_TICK_MS,
  FLEET_TICK_MS,
  FLEET_UNTOLD_BYTES,
  FLEET_WATCH_MS,
  MAX_LEASE_BYTES,
} from "../../../../src/limits.ts";
import type { UserLimits } from "../../../../src/users.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import {
  Drinker,
  FakeMemory,
  Node,
  SERVICE,
  startFleet,
  stop,
  user,
} from "../../../support/fleet_nodes.ts";

/** Seconds during which bytes are transferred. */
const SECONDS = 20;
const FAR = SECONDS * 1_000 / FLEET_FAR_TICK_MS;

for (
  const [what, limits, reports] of [
    ["without a quota", {}, FAR],
    ["with a GiB left", { quotaBytes: 2 * FLEET_FAR_BYTES }, FAR],
    ["near the quota", { quotaBytes: FLEET_FAR_BYTES }, SECONDS],
    ["with a rate", { bytesPerSecond: 1e9 }, SECONDS],
    ["with a limit of connections", { maxConnections: 9 }, SECONDS],
  ] as const satisfies readonly [string, UserLimits, number][]
) {
  test(`a user ${what} is reported ${reports} times in ${SECONDS} s, and counted to the byte`, async () => {
    const { fleet, clock, nodes: [node] } = await startFleet(limits, ["one"]);
    using visit = node!.connect();
    await visit.settled;
    for (let i = 0; i < SECONDS; i++) {
      visit.count("up", 1_000);
      await clock.advance(FLEET_TICK_MS);
    }
    const { lease } = node!.member.status.reports;
    // The first connection requests a lease, and the first bytes are reported
    // at once.
    assert(Math.abs(lease - reports) <= 2, `${lease} reports`);
    await clock.advance(FLEET_FAR_TICK_MS);
    assert.equal(fleet.usedBytes(SERVICE, "alice"), SECONDS * 1_000);
    await stop(clock, [node!]);
  });
}

test("a user comes near the quota by what others use, and ends at it", async () => {
  const quotaBytes = FLEET_FAR_BYTES + 200_000_000;
  const { fleet, clock, nodes } = await startFleet({ quotaBytes }, [
    ...["one", "two"],
  ]);
  const visits = nodes.map((node) => node.connect());
  await Promise.all(visits.map(({ settled }) => settled));
  const drinkers = visits.map((visit) => new Drinker(visit));
  while (drinkers.some(({ isOver }) => !isOver)) {
    for (const drinker of drinkers) drinker.drink(12_000_000);
    await clock.advance(300);
  }
  const passed = drinkers.reduce((sum, { passed }) => sum + passed, 0);
  assert(passed <= quotaBytes, `${passed} of ${quotaBytes} passed`);
  assert(passed > 0.97 * quotaBytes, `only ${passed} passed`);
  await clock.advance(FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), passed);
  for (const visit of visits) visit[Symbol.dispose]();
  await stop(clock, nodes);
});

const STEP_MS = 200;

/**
 * Returns the largest number of unreported bytes at this rate, which a killed
 * node would lose.
 */
async function mostLost(
  limits: UserLimits,
  bytesPerSecond: number,
): Promise<number> {
  const { fleet, clock, nodes: [node] } = await startFleet(limits, ["one"]);
  using visit = node!.connect();
  await visit.settled;
  const drinker = new Drinker(visit);
  let most = 0;
  for (let ms = 0; ms < 8_000; ms += STEP_MS) {
    drinker.drink(bytesPerSecond * STEP_MS / 1_000);
    // The bytes that would be lost with the node.
    const told = fleet.usedBytes(SERVICE, "alice");
    most = Math.max(most, drinker.passed - told);
    await clock.advance(STEP_MS);
  }
  await stop(clock, [node!]);
  return most;
}

for (const megabytes of [2.5, 125]) {
  test(`a killed node takes a bounded part of ${megabytes} MB/s with it`, async () => {
    const turn = 1 + STEP_MS / 1_000;
    const rate = megabytes * 1_000_000;
    const bound = Math.max(FLEET_UNTOLD_BYTES, rate) * turn;
    const far = await mostLost({}, rate);
    assert(far <= bound, `${far} bytes`);
    // Reports are no more frequent than that.
    assert(far > 2.5e6, `${far} bytes`);
    const near = await mostLost({ maxConnections: 9 }, rate);
    assert(near <= rate * turn, `${near} bytes`);
  });
}

test("what is lost with a node is all that a quota is exceeded by", async () => {
  const leaseMs = 20_000;
  const quotaBytes = FLEET_FAR_BYTES + 100_000_000;
  const { fleet, clock, nodes } = await startFleet({ quotaBytes }, [
    ...["dies", "lives"],
  ], { leaseMs });
  const [dies, lives] = [nodes[0]!, nodes[1]!];
  const doomed = new Drinker(dies.connect());
  await clock.advance(1);
  for (let i = 0; i < 22; i++) {
    doomed.drink(500_000);
    await clock.advance(STEP_MS);
  }
  const lost = doomed.passed - fleet.usedBytes(SERVICE, "alice");
  assert(lost > 0);
  fleet.reach.set("dies", "down");
  using visit = lives.connect();
  await visit.settled;
  const drinker = new Drinker(visit);
  // The lease is held for a while, then granted to another node.
  for (let i = 0; i < 2_000 && !drinker.isOver; i++) {
    drinker.drink(30_000_000);
    await clock.advance(500);
  }
  await clock.advance(leaseMs);
  const after = new Drinker(visit);
  while (!after.isOver) {
    after.drink(100_000);
    await clock.advance(50);
  }
  const passed = doomed.passed + drinker.passed + after.passed;
  const overshoot = passed - quotaBytes;
  assert(overshoot <= lost, `${overshoot} too many, ${lost} lost`);
  assert(lost <= Math.min(FLEET_UNTOLD_BYTES, MAX_LEASE_BYTES));
  await stop(clock, nodes);
});

test("totals of such a user are on the disk each second, also during an outage", async () => {
  for (const reach of ["answers", "down"] as const) {
    const clock = new FakeClock();
    const fleet = new MemoryFleet(clock);
    const memory = new FakeMemory();
    fleet.put(user({}));
    const killed = await new Node(fleet, "one", { memory }).start();
    using visit = killed.connect();
    visit.count("up", 1_000);
    await clock.advance(FLEET_TICK_MS);
    fleet.reach.set("one", reach);
    await clock.advance(FLEET_WATCH_MS + FLEET_CALL_MS);
    for (let i = 0; i < 3; i++) {
      visit.count("up", 1_000_000);
      await clock.advance(FLEET_TICK_MS);
    }
    assert(fleet.usedBytes(SERVICE, "alice") < 3_001_000);
    // The process is killed here: its later calls do not arrive.
    fleet.reach.set("one", "answers");
    const next = await new Node(fleet, "one", { memory }).start();
    assert.equal(fleet.usedBytes(SERVICE, "alice"), 3_001_000);
    await stop(clock, [next, killed]);
    assert.equal(fleet.usedBytes(SERVICE, "alice"), 3_001_000);
  }
});
