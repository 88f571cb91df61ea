import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet } from "../../../../src/adapters/fleet/memory_fleet.ts";
import {
  FLEET_COPY_MS,
  FLEET_COPY_NOTE_MS,
  FLEET_ENTER_MS,
  FLEET_TICK_MS,
  FLEET_WATCH_MS,
  LEASE_IDLE_MS,
  LEASE_USE_PART,
  OUTAGE_BYTES,
  SEAT_MS,
  SEAT_REFRESH_MS,
} from "../../../../src/limits.ts";
import { NodeCopy } from "../../../../src/service/fleet/node_copy.ts";
import { nodeBeat } from "../../../conformance/fleet_suite.ts";
import { seededRandom } from "../../../support/bytes.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";
import {
  clockOf,
  Drinker,
  FakeMemory,
  HOSTS,
  Node,
  QUOTA,
  SERVICE,
  startFleet,
  stop,
  user,
} from "../../../support/fleet_nodes.ts";

/** With such limits, a user is never far from them. */
const TOLD_EACH_SECOND = { maxConnections: 9 };

for (const reach of ["answers", "doubles calls", "loses answers"] as const) {
  test(`three nodes never pass more than a quota, when the source ${reach}`, async () => {
    const quotaBytes = 5_000_000;
    const names = ["one", "two", "three"];
    const { fleet, clock, nodes } = await startFleet({ quotaBytes }, names);
    const next = seededRandom(7);
    const random = (): number => next() / 2 ** 32;
    const visits = nodes.map((node) => node.connect());
    await Promise.all(visits.map(({ settled }) => settled));
    const drinkers = visits.map((visit) => new Drinker(visit));
    while (drinkers.some(({ isOver }) => !isOver)) {
      const unlucky = names[Math.floor(random() * names.length)]!;
      const isOff = reach !== "loses answers" || random() < 0.1;
      fleet.reach.set(unlucky, isOff ? reach : "answers");
      for (const drinker of drinkers) drinker.drink(1 + random() * 65_535 | 0);
      await clock.advance(5);
    }
    const sum = (numbers: number[]): number =>
      numbers.reduce((all, one) => all + one, 0);
    const passed = sum(drinkers.map((drinker) => drinker.passed));
    const grace = sum(nodes.map(({ member }) => member.status.graceBytes));
    assert(passed - grace <= quotaBytes, `${passed} of ${quotaBytes} passed`);
    assert(passed > 0.8 * quotaBytes, `only ${passed} of ${quotaBytes} passed`);
    if (reach !== "loses answers") assert.equal(grace, 0);
    for (const name of names) fleet.reach.set(name, "answers");
    await clock.advance(3 * FLEET_TICK_MS);
    // The bytes are counted once, whatever happened to the calls.
    assert.equal(fleet.usedBytes(SERVICE, "alice"), passed);
    for (const visit of visits) visit[Symbol.dispose]();
    await stop(clock, nodes);
  });
}

test("a chunk beyond the lease waits for the next one, and is counted once", async () => {
  const quotaBytes = 10_000_000;
  const { fleet, clock, nodes: [node] } = await startFleet({ quotaBytes }, [
    "one",
  ]);
  using visit = node!.connect();
  await visit.settled;
  visit.count("up", 262_144);
  assert(visit.count("up", 1) < 0);
  assert.equal(node!.accounts.usage("alice").bytesUp, 262_144);
  await clock.advance(1);
  assert.equal(visit.count("up", 1), 0);
  assert.equal(node!.accounts.usage("alice").bytesUp, 262_145);
  await clock.advance(FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 262_145);
  await stop(clock, [node!]);
});

test("a lease that is not used is given back", async () => {
  const { fleet, clock, nodes } = await startFleet({ quotaBytes: 500_000 }, [
    ...["one", "two"],
  ]);
  const [one, two] = [nodes[0]!, nodes[1]!];
  using idle = one.connect();
  await idle.settled;
  idle.count("up", 100_000);
  await clock.advance(LEASE_IDLE_MS + 2 * FLEET_TICK_MS);
  using busy = two.connect();
  await busy.settled;
  const drinker = new Drinker(busy);
  while (!drinker.isOver) {
    drinker.drink(10_000);
    await clock.advance(1);
  }
  assert.equal(drinker.passed, 400_000);
  assert.throws(() => two.connect(), QUOTA);
  fleet.put(user({ quotaBytes: 600_000 }));
  await clock.advance(1);
  using again = two.connect();
  await again.settled;
  assert.equal(again.count("up", 1_000), 0);
  await stop(clock, nodes);
});

test("while the source is down, users pass a bounded rest, or none", async () => {
  for (const outage of ["serve", "strict"] as const) {
    const { fleet, clock, nodes: [node] } = await startFleet(
      { quotaBytes: 10 * OUTAGE_BYTES },
      ["one"],
      { outage },
    );
    using visit = node!.connect();
    await visit.settled;
    fleet.reach.set("one", "down");
    let passed = 0;
    const chunk = 65_536;
    const drink = async (): Promise<void> => {
      for (;;) {
        if (visit.count("down", chunk) >= 0) passed += chunk;
        else await clock.advance(10);
      }
    };
    await assert.rejects(drink(), QUOTA);
    const lease = 262_144;
    assert.equal(passed, lease + (outage === "serve" ? OUTAGE_BYTES : 0));
    assert.equal(node!.member.status.graceBytes, passed - lease);
    assert.equal(node!.member.status.isUp, false);
    fleet.reach.set("one", "answers");
    await clock.advance(3 * FLEET_TICK_MS);
    assert.equal(node!.member.status.isUp, true);
    assert.equal(fleet.usedBytes(SERVICE, "alice"), passed);
    // Each message is logged once.
    assert.equal(
      node!.lines.filter((line) => line.startsWith("error")).length,
      1,
    );
    assert.deepEqual(node!.lines.slice(1), [
      "info: fleet: the source is back",
    ]);
    visit.count("down", chunk);
    await stop(clock, [node!]);
  }
});

test("users without a quota are served as long as the source is away, exactly", async () => {
  const { fleet, clock, nodes: [node] } = await startFleet({}, ["one"]);
  fleet.reach.set("one", "frozen");
  using visit = node!.connect();
  assert.equal(visit.settled, undefined);
  for (let i = 0; i < 100; i++) {
    visit.count("down", 50_000_000);
    await clock.advance(FLEET_TICK_MS);
  }
  fleet.reach.set("one", "answers");
  await clock.advance(5 * FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 5_000_000_000);
  await stop(clock, [node!]);
});

test("a lease is not used longer than the source holds it", async () => {
  const { fleet, clock, nodes: [node] } = await startFleet(
    { quotaBytes: 1_000_000 },
    ["one"],
    { outage: "strict", leaseMs: 20_000 },
  );
  using visit = node!.connect();
  await visit.settled;
  fleet.reach.set("one", "down");
  visit.count("up", 1);
  await clock.advance(LEASE_USE_PART * 20_000 - 1);
  assert.equal(visit.count("up", 1), 0);
  await clock.advance(1);
  assert.throws(() => visit.count("up", 1), QUOTA);
  await stop(clock, [node!]);
});

test("devices are limited over all nodes, and move when they leave", async () => {
  const { fleet, clock, nodes } = await startFleet({ maxHosts: 2 }, [
    ...["one", "two", "three"],
  ]);
  const [one, two, three] = [nodes[0]!, nodes[1]!, nodes[2]!];
  const first = one.connect("192.0.2.1");
  using second = two.connect("2001:db8::1");
  await Promise.all([first.settled, second.settled]);
  assert.equal(await three.tries("192.0.2.3"), false);
  // The same network is the same device on every node.
  assert.equal(await three.tries("192.0.2.1"), true);
  assert.equal(await three.tries("2001:db8::2"), true);
  assert.equal(await two.tries("192.0.2.9"), false);
  first[Symbol.dispose]();
  await clock.advance(1);
  assert.equal(await three.tries("192.0.2.3"), true);
  // The device keeps its seat while it is connected.
  using third = three.connect("192.0.2.3");
  await third.settled;
  await clock.advance(SEAT_MS + SEAT_REFRESH_MS);
  third.count("up", 1);
  assert.equal(await one.tries("192.0.2.1"), false);
  assert.equal(fleet.places(SERVICE, "alice").length, 2);
  await stop(clock, nodes);
});

test("who was admitted while the source was away has to go, if too many", async () => {
  const { fleet, clock, nodes } = await startFleet({ maxHosts: 1 }, [
    ...["one", "two"],
  ]);
  const [one, two] = [nodes[0]!, nodes[1]!];
  using first = one.connect("192.0.2.1");
  await first.settled;
  fleet.reach.set("two", "frozen");
  using second = two.connect("192.0.2.2");
  const settling = second.settled;
  let isSettled = false;
  settling!.then(() => isSettled = true, () => {});
  await clock.advance(FLEET_ENTER_MS - 1);
  assert.equal(isSettled, false);
  await clock.advance(1);
  assert.equal(isSettled, true);
  assert.equal(two.member.status.uncertainAdmissions.slow, 1);
  assert.equal(second.count("up", 1), 0);
  // This node itself admits no more than the limit.
  assert.throws(() => two.connect("192.0.2.3"), HOSTS);
  await clock.advance(2_000);
  fleet.reach.set("two", "answers");
  await clock.advance(SEAT_REFRESH_MS + 2 * FLEET_TICK_MS);
  assert.throws(() => second.count("up", 1), HOSTS);
  first.count("up", 1);
  await stop(clock, nodes);
});

test("a rate and connections are shared by the nodes where a user is", async () => {
  const { clock, nodes } = await startFleet(
    { bytesPerSecond: 1_000_000, maxConnections: 3 },
    ["one", "two"],
  );
  const [one, two] = [nodes[0]!, nodes[1]!];
  using first = one.connect();
  using _second = one.connect();
  using third = two.connect();
  for (let i = 0; i < 3; i++) {
    first.count("up", 1);
    third.count("up", 1);
    await clock.advance(FLEET_TICK_MS);
  }
  assert.throws(() => two.connect(), { code: "ERR_POLICY_USER_CONNECTIONS" });
  // Each node gets 500,000 bytes a second, minus the burst.
  assert.equal(Math.round(first.count("down", 500_000)), 900);
  await stop(clock, nodes);
});

test("changes reach every node, and missing ones are read again", async () => {
  const { fleet, clock, nodes } = await startFleet({}, ["one", "two"]);
  using visit = nodes[0]!.connect();
  fleet.put(user({}, true));
  await settle();
  assert.equal(visit.signal!.aborted, true);
  for (const node of nodes) {
    assert.throws(() => node.connect(), { code: "ERR_POLICY_USER_DISABLED" });
  }
  fleet.remove(SERVICE, "alice");
  fleet.put({ ...user({}), service: "8389" });
  await settle();
  assert.deepEqual(nodes.map(({ accounts }) => accounts.size), [0, 0]);
  // The nodes are away, and the source forgets its changes.
  for (const name of ["one", "two"]) fleet.reach.set(name, "down");
  await clock.advance(FLEET_WATCH_MS);
  fleet.put({ ...user({}), name: "bob" });
  fleet.trim();
  for (const name of ["one", "two"]) fleet.reach.set(name, "answers");
  await clock.advance(2 * FLEET_TICK_MS);
  for (const { accounts } of nodes) {
    assert.deepEqual([...accounts.users].map(({ name }) => name), ["bob"]);
  }
  await stop(clock, nodes);
});

test("a source that has lost everything removes no user", async () => {
  const { fleet, clock, nodes: [node] } = await startFleet({}, ["one"]);
  using visit = node!.connect();
  fleet.reach.set("one", "emptied");
  for (let i = 0; i < 20; i++) {
    visit.count("up", 1_000);
    await clock.advance(FLEET_TICK_MS);
  }
  assert.equal(node!.accounts.size, 1);
  assert.equal(visit.signal!.aborted, false);
  assert.equal(node!.lines.length, 1);
  await stop(clock, [node!]);
});

test("two processes of one name count what they move once", async () => {
  const { fleet, clock, nodes: [first] } = await startFleet(TOLD_EACH_SECOND, [
    "one",
  ]);
  const twin = await new Node(fleet, "one").start();
  const nodes = [first!, twin];
  const visits = nodes.map((node) => node.connect());
  for (let i = 0; i < 10; i++) {
    for (const visit of visits) visit.count("up", 1_000);
    await clock.advance(FLEET_TICK_MS);
  }
  for (const visit of visits) visit[Symbol.dispose]();
  const used = fleet.usedBytes(SERVICE, "alice");
  assert(used <= 20_000, `${used} bytes are counted`);
  assert(used > 10_000, `only ${used} bytes are counted`);
  assert.equal(
    first!.lines[0],
    "error: fleet: another process is node one too, or the node was removed: " +
      "give each process a --node of its own",
  );
  await stop(clock, nodes);
});

test("users end by the fleet's time, whatever a node's clock says", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const expiresUnixMs = clock.unixMs() + 60_000;
  fleet.put(user({ expiresUnixMs }));
  const nodes = [-20_000, 0, 20_000].map((offMs, i) =>
    new Node(fleet, `node${i}`, {
      clock: {
        monotonicMs: () => clock.monotonicMs(),
        unixMs: () => clock.unixMs() + offMs,
        schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
      },
    })
  );
  for (const node of nodes) await node.start();
  const visits = nodes.map((node) => node.connect());
  for (const visit of visits) visit.count("up", 1);
  await clock.advance(59_000);
  for (const visit of visits) visit.count("up", 1);
  await clock.advance(1_000);
  for (const visit of visits) {
    assert.throws(() => visit.count("up", 1), {
      code: "ERR_POLICY_USER_EXPIRED",
    });
  }
  assert.match(nodes[0]!.lines[0] ?? "", /warn: .*clock is off/);
  assert.deepEqual(nodes[1]!.lines, []);
  await stop(clock, nodes);
});

test("a node starts with its copy while the source is away, for a day", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const memory = new FakeMemory();
  fleet.put(user({}));
  const first = await new Node(fleet, "one", { memory }).start();
  fleet.put({ ...user({}), name: "bob" });
  fleet.put({ ...user({}), name: "carol" });
  fleet.remove(SERVICE, "carol");
  await settle();
  await stop(clock, [first]);
  fleet.reach.set("one", "down");
  const next = await new Node(fleet, "one", { memory }).start();
  const names = (): string[] => [...next.accounts.users].map((u) => u.name);
  assert.deepEqual(names().sort(), ["alice", "bob"]);
  using visit = next.connect();
  assert.equal(visit.count("up", 1_000), 0);
  assert.equal(next.member.status.isUp, false);
  fleet.remove(SERVICE, "bob");
  fleet.reach.set("one", "answers");
  await clock.advance(3 * FLEET_TICK_MS);
  assert.equal(next.member.status.isUp, true);
  assert.deepEqual(names(), ["alice"]);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 1_000);
  await stop(clock, [next]);
  fleet.reach.set("one", "down");
  clock.setForward(FLEET_COPY_MS + FLEET_COPY_NOTE_MS);
  const late = new Node(fleet, "one", { memory });
  await assert.rejects(late.start(), { code: "ERR_NET_TIMEOUT" });
  const without = new Node(fleet, "one");
  await assert.rejects(without.start(), { code: "ERR_NET_TIMEOUT" });
});

test("a node that starts while the source is away knows the other nodes", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const memory = new FakeMemory();
  const two = await new Node(fleet, "two").start();
  const first = await new Node(fleet, "one", { memory }).start();
  const leave = async ({ member }: Node): Promise<void> => {
    const leaving = member[Symbol.asyncDispose]();
    await clock.advance(FLEET_WATCH_MS);
    await leaving;
  };
  await leave(first);
  fleet.reach.set("one", "down");
  const next = await new Node(fleet, "one", { memory }).start();
  const names = async (): Promise<string[]> =>
    (await next.member.presence.nodes()).nodes.map(({ node }) => node);
  assert.deepEqual(await names(), ["one", "two"]);
  assert.equal((await next.member.presence.nodes()).isCurrent, false);
  fleet.reach.set("one", "answers");
  await leave(two);
  assert.deepEqual(await names(), ["one"]);
  assert.equal((await next.member.presence.nodes()).isCurrent, true);
  await stop(clock, [next]);
});

test("nodes are written to disk when others are up, or once a minute", async () => {
  const clock = new FakeClock();
  const memory = new FakeMemory();
  const writes: number[] = [];
  const copy = new NodeCopy(
    {
      entries: (prefix) => memory.entries(prefix),
      write(changes): void {
        writes.push(clock.monotonicMs());
        memory.write(changes);
      },
    },
    "one",
    clock,
  );
  const fleet = new MemoryFleet(clock);
  const link = fleet.link("two");
  const incarnation = await link.join();
  const beats = async (connections: number): Promise<void> => {
    await link.nodes!.beat(incarnation, nodeBeat({ connections }));
    copy.keepNodes(fleet.list());
  };
  assert.equal(copy.nodes(), undefined);
  copy.keepNodes(fleet.list());
  await beats(1);
  await beats(2);
  assert.equal(writes.length, 2);
  assert.equal(copy.nodes()!.nodes[0]!.connections, 1);
  await clock.advance(FLEET_COPY_NOTE_MS + 1);
  await beats(3);
  assert.equal(writes.length, 3);
  fleet.setDraining("two", true);
  copy.keepNodes(fleet.list());
  assert.equal(copy.nodes()!.nodes[0]!.isDraining, true);
  await link[Symbol.asyncDispose]();
});

test("what a killed node had not reported is reported by the next one, once", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const memory = new FakeMemory();
  fleet.put(user({ quotaBytes: 1_000_000 }));
  const killed = await new Node(fleet, "one", { memory }).start();
  const visit = killed.connect();
  await visit.settled;
  fleet.reach.set("one", "down");
  visit.count("up", 100_000);
  // The total is written before it is sent, and the report never arrives; then
  // nothing more happens.
  await clock.advance(FLEET_TICK_MS);
  fleet.reach.set("one", "answers");
  const twin = new Node(fleet, "one", { memory });
  await twin.start();
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 100_000);
  assert.deepEqual(memory.entries("fleet/one/total/"), []);
  // The lease of the killed node is free again.
  using other = twin.connect();
  await other.settled;
  const drinker = new Drinker(other);
  while (!drinker.isOver) {
    drinker.drink(50_000);
    await clock.advance(10);
  }
  assert.equal(drinker.passed, 900_000);
  await stop(clock, [twin, killed]);
});

test("a disk that is full costs the copy, and nothing else", async () => {
  const clock = new FakeClock();
  const fleet = new MemoryFleet(clock);
  const memory = new FakeMemory();
  fleet.put(user(TOLD_EACH_SECOND));
  const node = await new Node(fleet, "one", { memory }).start();
  memory.isFull = true;
  using visit = node.connect();
  for (let i = 0; i < 5; i++) {
    visit.count("up", 1_000);
    await clock.advance(FLEET_TICK_MS);
  }
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 5_000);
  assert.deepEqual(node.lines, ["error: fleet: cannot keep a copy"]);
  await stop(clock, [node]);
});

test("the fleet's time is in whole milliseconds, which a store takes", async () => {
  const clock = new FakeClock();
  let turn = 0;
  const node = new Node(new MemoryFleet(clock), "one", {
    clock: {
      ...clockOf(clock),
      // As in the runtimes, only the wall clock has whole milliseconds.
      monotonicMs: () => clock.monotonicMs() + ++turn * 0.37,
    },
  });
  await node.start();
  const { fleetClock } = node.member;
  assert.ok(Number.isInteger(fleetClock.unixMs()), `${fleetClock.unixMs()}`);
  await stop(clock, [node]);
});

test("a user that was removed and comes again has used nothing", async () => {
  const { fleet, clock, nodes } = await startFleet({}, ["one"]);
  const [node] = nodes;
  const visit = node!.connect();
  visit.count("up", 1_000_000);
  await clock.advance(FLEET_TICK_MS);
  visit.count("up", 1_000_000);
  fleet.remove(SERVICE, "alice");
  await settle();
  visit[Symbol.dispose]();
  fleet.put(user({ quotaBytes: 5_000 }));
  await settle();
  using again = node!.connect();
  await again.settled;
  again.count("up", 1_000);
  await clock.advance(FLEET_TICK_MS);
  assert.equal(fleet.usedBytes(SERVICE, "alice"), 1_000);
  await stop(clock, nodes);
});
