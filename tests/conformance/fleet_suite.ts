/**
 * The tests that every source of a fleet must pass: changes are seen, counters
 * are never doubled, leases never exceed a quota, and seats never exceed a
 * limit.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type {
  FleetLink,
  Lease,
  NodeBeat,
  NodeDirectory,
  ReportOutcome,
  SharedUser,
  UsageReport,
} from "../../src/fleet.ts";
import type { UserLimits } from "../../src/users.ts";
import { seededBytes } from "../support/bytes.ts";

/** A source, with functions to fill and inspect it. */
export interface FleetFixture extends AsyncDisposable {
  /** Returns the link of a node; all nodes are in one domain. */
  link(node: string): FleetLink;
  /** Adds or changes a user. */
  put(user: SharedUser): Promise<void>;
  /** Removes a user. */
  remove(service: string, name: string): Promise<void>;
  /** Returns the bytes that all nodes have reported for a user. */
  usedBytes(service: string, name: string): Promise<number>;
}

const SERVICE = "8388";

/** Returns a user; default: without limits. */
export function sharedUser(name: string, limits: UserLimits = {}): SharedUser {
  return {
    service: SERVICE,
    name,
    password: `${name}'s password`,
    limits,
    disabled: false,
  };
}

/** Returns a report of a user with this sequence number. */
export function usageReport(
  name: string,
  sequence: number,
  rest: Partial<UsageReport> = {},
): UsageReport {
  return {
    service: SERVICE,
    name,
    bytesUp: 0,
    bytesDown: 0,
    connections: 0,
    open: 0,
    wantBytes: 0,
    sequence,
    ...rest,
  };
}

/** Returns a heartbeat. */
export function nodeBeat(rest: Partial<NodeBeat> = {}): NodeBeat {
  return {
    version: "1.2.3",
    runtime: "Deno 2.9.6",
    startedUnixMs: 1_790_000_000_000,
    isReady: true,
    connections: 7,
    bytesPerSecond: 12_345,
    answerMs: 1.25,
    clockOffsetMs: -40,
    services: [{
      service: SERVICE,
      host: "fra1.example",
      method: "2022-blake3-aes-128-gcm",
      mode: "tcp_and_udp",
      plugin: "obfs-local;obfs=http",
      serverKey: "AAECAwQFBgcICQoLDA0ODw==",
    }],
    ...rest,
  };
}

function directoryOf(link: FleetLink): NodeDirectory {
  assert(link.nodes !== undefined, "it knows no nodes");
  return link.nodes;
}

/** Sends one report and returns its result. */
async function reportOne(
  link: FleetLink,
  incarnation: number,
  report: UsageReport,
): Promise<ReportOutcome> {
  const { outcomes } = await link.report(incarnation, [report]);
  assert.equal(outcomes.length, 1);
  return outcomes[0]!;
}

async function lease(
  link: FleetLink,
  incarnation: number,
  report: UsageReport,
): Promise<Lease> {
  const outcome = await reportOne(link, incarnation, report);
  assert(outcome.kind === "lease");
  return outcome.lease;
}

/**
 * Declares the tests.
 *
 * @param name Name of the source.
 * @param open Creates a source without users.
 */
export function fleetSuite(
  name: string,
  open: () => Promise<FleetFixture>,
): void {
  const check = (
    what: string,
    run: (fleet: FleetFixture) => Promise<void>,
  ): void => {
    test(`${name}: ${what}`, async () => {
      await using fleet = await open();
      await run(fleet);
    });
  };

  check("a snapshot has the users of its services, whole", async (fleet) => {
    const alice = sharedUser("alice", {
      quotaBytes: 1_000,
      bytesPerSecond: 2_000,
      maxConnections: 3,
      maxHosts: 4,
      expiresUnixMs: 1_900_000_000_000,
    });
    const key = {
      ...sharedUser("ключ/k y"),
      password: "AAECAwQFBgcICQoLDA0ODw==",
    };
    await fleet.put(alice);
    await fleet.put({ ...key, disabled: true });
    await fleet.put({ ...sharedUser("bob"), service: "8389" });
    await using link = fleet.link("one");
    const { users } = await link.snapshot([SERVICE]);
    const sorted = users.toSorted((a, b) => a.name < b.name ? -1 : 1);
    assert.deepEqual(sorted, [alice, { ...key, disabled: true }]);
    assert.equal((await link.snapshot([SERVICE, "8389"])).users.length, 3);
    assert.deepEqual((await link.snapshot([])).users, []);
  });

  check("changes are seen from a position on, by each node", async (fleet) => {
    await fleet.put(sharedUser("alice"));
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const { position } = await one.snapshot([SERVICE]);
    const waiting = two.changes(position);
    const bob = { ...sharedUser("bob", { maxHosts: 1 }), disabled: true };
    await fleet.put(bob);
    assert.deepEqual((await waiting).changes, [{ kind: "put", user: bob }]);
    await fleet.remove(SERVICE, "alice");
    const { position: next } = await waiting;
    const gone = { kind: "gone", service: SERVICE, name: "alice" };
    assert.deepEqual((await two.changes(next)).changes, [gone]);
    // A node that was away reads all changes.
    const all = await one.changes(position);
    assert.deepEqual(all.changes, [{ kind: "put", user: bob }, gone]);
    assert.equal(all.isIncomplete ?? false, false);
  });

  check("totals are counted once, however often they come", async (fleet) => {
    await fleet.put(sharedUser("alice"));
    await using link = fleet.link("one");
    const incarnation = await link.join();
    const said = { bytesUp: 100, bytesDown: 1_000 };
    const first = usageReport("alice", 1, said);
    const second = usageReport("alice", 2, { bytesUp: 150, bytesDown: 2_000 });
    for (const report of [first, first, second, first, second]) {
      const { grantedBytes } = await lease(link, incarnation, report);
      assert.equal(grantedBytes, Infinity);
    }
    assert.equal(await fleet.usedBytes(SERVICE, "alice"), 2_150);
  });

  check("what all nodes have reported is told", async (fleet) => {
    for (const name of ["alice", "bob"]) await fleet.put(sharedUser(name));
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const [first, second] = [await one.join(), await two.join()];
    const said = { bytesUp: 10, bytesDown: 200 };
    await lease(one, first, usageReport("alice", 1, said));
    const more = usageReport("alice", 1, { bytesUp: 5, bytesDown: 3_000 });
    await lease(two, second, more);
    assert(one.totals !== undefined);
    const users = ["bob", "mallory", "alice"].map((name) => ({
      service: SERVICE,
      name,
    }));
    assert.deepEqual(await one.totals.used(users), [
      { bytesUp: 0, bytesDown: 0 },
      undefined,
      { bytesUp: 15, bytesDown: 3_200 },
    ]);
    assert.deepEqual(await two.totals!.used([]), []);
  });

  check(
    "each incarnation counts from nothing, the last one alone",
    async (fleet) => {
      await fleet.put(sharedUser("alice"));
      await using link = fleet.link("one");
      const old = await link.join();
      await reportOne(link, old, usageReport("alice", 1, { bytesUp: 10 }));
      const next = await link.join();
      assert(next > old);
      await reportOne(link, next, usageReport("alice", 1, { bytesUp: 5 }));
      const late = usageReport("alice", 2, { bytesUp: 99 });
      assert.deepEqual(await reportOne(link, old, late), { kind: "stale" });
      assert.equal(await fleet.usedBytes(SERVICE, "alice"), 15);
    },
  );

  check(
    "what all nodes may let pass is never above the quota",
    async (fleet) => {
      await fleet.put(sharedUser("alice", { quotaBytes: 1_000_000 }));
      const links = ["one", "two"].map((node) => fleet.link(node));
      const [one, two] = [links[0]!, links[1]!];
      const [first, second] = [await one.join(), await two.join()];
      const asked = usageReport("alice", 1, { wantBytes: 300_000 });
      assert.equal((await lease(one, first, asked)).grantedBytes, 300_000);
      const greedy = usageReport("alice", 1, { wantBytes: 800_000 });
      const granted = await lease(two, second, greedy);
      assert.equal(granted.grantedBytes, 700_000);
      assert.equal(granted.activeNodes, 2);
      // Repeating the report adds nothing.
      assert.equal((await lease(two, second, greedy)).grantedBytes, 700_000);
      // The lease is used and more is requested: only the first node's lease is
      // left.
      const used = usageReport("alice", 2, {
        bytesDown: 700_000,
        wantBytes: 1,
      });
      const last = await lease(two, second, used);
      assert.deepEqual([last.grantedBytes, last.usedBytes], [700_000, 700_000]);
      // Bytes that are given back are granted to another node.
      await lease(one, first, usageReport("alice", 2, { bytesUp: 100_000 }));
      const again = usageReport("alice", 3, {
        bytesDown: 700_000,
        wantBytes: 500_000,
      });
      assert.equal((await lease(two, second, again)).grantedBytes, 900_000);
      assert.equal(await fleet.usedBytes(SERVICE, "alice"), 800_000);
      for (const link of links) await link[Symbol.asyncDispose]();
    },
  );

  check("a report that was overtaken takes no lease away", async (fleet) => {
    await fleet.put(sharedUser("alice", { quotaBytes: 1_000 }));
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const [first, second] = [await one.join(), await two.join()];
    await lease(one, first, usageReport("alice", 2, { wantBytes: 600 }));
    await lease(one, first, usageReport("alice", 1, { wantBytes: 0 }));
    const rest = usageReport("alice", 1, { wantBytes: 1_000 });
    assert.equal((await lease(two, second, rest)).grantedBytes, 400);
  });

  check("a user that is not there is not counted", async (fleet) => {
    await using link = fleet.link("one");
    const incarnation = await link.join();
    const report = usageReport("mallory", 1, { bytesUp: 5, wantBytes: 10 });
    const unknown = { kind: "unknown" };
    assert.deepEqual(await reportOne(link, incarnation, report), unknown);
    const seat = { service: SERVICE, name: "mallory", place: "192.0.2.1" };
    const entrance = await link.enter(incarnation, seat, report);
    assert.equal(entrance.isAdmitted, false);
    assert.deepEqual(entrance.outcome, unknown);
  });

  check("connections on other nodes are told", async (fleet) => {
    await fleet.put(sharedUser("alice", { maxConnections: 4 }));
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const [first, second] = [await one.join(), await two.join()];
    await lease(one, first, usageReport("alice", 1, { open: 3 }));
    const { openElsewhere } = await lease(
      two,
      second,
      usageReport("alice", 1, { open: 1 }),
    );
    assert.equal(openElsewhere, 3);
  });

  check(
    "a user sits in as many places as it may, over all nodes",
    async (fleet) => {
      await fleet.put(sharedUser("alice", { maxHosts: 2 }));
      const links = ["one", "two", "three"].map((node) => fleet.link(node));
      const joined = await Promise.all(links.map((link) => link.join()));
      const places = ["192.0.2.1", "192.0.2.2", "2001:db8::"];
      const entrances = await Promise.all(
        links.flatMap((link, i) =>
          places.map((place) =>
            link.enter(
              joined[i]!,
              { service: SERVICE, name: "alice", place },
              usageReport("alice", 1),
            ).then(({ isAdmitted }) => ({ place, isAdmitted }))
          )
        ),
      );
      const admitted = new Set(
        entrances.filter(({ isAdmitted }) => isAdmitted)
          .map(({ place }) => place),
      );
      assert.equal(admitted.size, 2);
      // Each place is admitted on all nodes or on none.
      for (const { place, isAdmitted } of entrances) {
        assert.equal(isAdmitted, admitted.has(place));
      }
      const [here, there] = [...admitted].map((place) => ({
        service: SERVICE,
        name: "alice",
        place,
      }));
      const outside = {
        service: SERVICE,
        name: "alice",
        place: places.find((place) => !admitted.has(place))!,
      };
      assert.deepEqual(await links[0]!.keep([here!, outside, there!]), [
        ...[true, false, true],
      ]);
      // The seat is free after every node has left it.
      await links[0]!.leave([here!]);
      assert.deepEqual(await links[1]!.keep([outside]), [false]);
      for (const link of links.slice(1)) await link.leave([here!]);
      assert.deepEqual(await links[1]!.keep([outside]), [true]);
      for (const link of links) await link[Symbol.asyncDispose]();
    },
  );

  check(
    "a user without a limit of places is always admitted",
    async (fleet) => {
      await fleet.put(sharedUser("alice"));
      await using link = fleet.link("one");
      const incarnation = await link.join();
      for (let i = 1; i <= 5; i++) {
        const seat = { service: SERVICE, name: "alice", place: `192.0.2.${i}` };
        const { isAdmitted, outcome } = await link.enter(
          incarnation,
          seat,
          usageReport("alice", i),
        );
        assert.equal(isAdmitted, true);
        assert.equal(outcome.kind, "lease");
      }
    },
  );

  check(
    "nodes are listed as they have said, until they leave",
    async (fleet) => {
      await using one = fleet.link("one");
      await using two = fleet.link("two");
      const [here, there] = [directoryOf(one), directoryOf(two)];
      const [first, second] = [await one.join(), await two.join()];
      assert.deepEqual((await here.list()).nodes, []);
      const beats = [nodeBeat(), nodeBeat({ isReady: false, services: [] })];
      assert.equal(await here.beat(first, beats[0]!), false);
      assert.equal(await there.beat(second, beats[1]!), false);
      const { nodes, unixMs } = await there.list();
      assert.deepEqual(nodes.map(({ node }) => node), ["one", "two"]);
      for (const [i, node] of nodes.entries()) {
        const { node: _, heardUnixMs, isDraining, keyIds: __, ...said } = node;
        assert.deepEqual(said, { ...beats[i], isSealed: false });
        assert.equal(isDraining, false);
        assert(heardUnixMs <= unixMs && heardUnixMs > unixMs - 10_000);
      }
      await there.leave(second);
      const left = (await here.list()).nodes.map(({ node }) => node);
      assert.deepEqual(left, ["one"]);
    },
  );

  check("an older incarnation says nothing of its node", async (fleet) => {
    await using link = fleet.link("one");
    const nodes = directoryOf(link);
    const [old, next] = [await link.join(), await link.join()];
    await nodes.beat(next, nodeBeat({ connections: 2 }));
    await nodes.beat(old, nodeBeat({ connections: 1 }));
    await nodes.leave(old);
    const [row] = (await nodes.list()).nodes;
    assert.equal(row?.connections, 2);
  });

  check("a node is drained until it is restored", async (fleet) => {
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const [here, there] = [directoryOf(one), directoryOf(two)];
    const first = await one.join();
    assert.equal(await there.setDraining("one", true), false);
    assert.equal(await there.setDraining("one", false), false);
    await here.beat(first, nodeBeat());
    assert.equal(await there.setDraining("one", true), true);
    assert.equal(await there.setDraining("one", true), true);
    assert.equal((await there.list()).nodes[0]?.isDraining, true);
    assert.equal(await here.beat(first, nodeBeat()), true);
    // A restart of the node does not end the drain.
    await here.leave(first);
    assert.equal(await here.beat(await one.join(), nodeBeat()), true);
    assert.equal(await there.setDraining("one", false), true);
    assert.equal((await there.list()).nodes[0]?.isDraining, false);
    assert.equal(await here.beat(await one.join(), nodeBeat()), false);
  });

  check("disposal ends what is waited for", async (fleet) => {
    const link = fleet.link("one");
    const { position } = await link.snapshot([SERVICE]);
    const waiting = link.changes(position);
    const rejected = assert.rejects(waiting, { code: "ERR_NET_CLOSED" });
    await link[Symbol.asyncDispose]();
    await rejected;
    await assert.rejects(link.join(), { code: "ERR_NET_CLOSED" });
  });

  check(
    "of six places that come at once, as many get in as may",
    async (fleet) => {
      await fleet.put(sharedUser("alice", { maxHosts: 2 }));
      const names = ["one", "two", "three"];
      await using stack = new AsyncDisposableStack();
      const links = names.map((name) => stack.use(fleet.link(name)));
      const incarnations = await Promise.all(links.map((link) => link.join()));
      let sequence = 0;
      for (let round = 0; round < 100; round++) {
        const seats = Array.from({ length: 6 }, (_, i) => ({
          ...{ service: SERVICE, name: "alice" },
          place: `192.0.2.${i}`,
        }));
        const entrances = await Promise.all(
          seats.map((seat, i) =>
            links[i % 3]!.enter(
              incarnations[i % 3]!,
              seat,
              usageReport("alice", ++sequence),
            )
          ),
        );
        const admitted = entrances.filter(({ isAdmitted }) => isAdmitted);
        assert.equal(admitted.length, 2, `round ${round}`);
        await Promise.all(links.map((link) => link.leave(seats)));
      }
    },
  );

  check("salts are told to other nodes, from a position on", async (fleet) => {
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const [first, second] = [one.salts!, two.salts!];
    const start = await second.told();
    assert.deepEqual(start.parts, []);
    const parts = [32, 16, 65_536].map((length, i) => seededBytes(length, i));
    const waiting = second.told(start.position);
    await first.tell(parts.slice(0, 1));
    const { position, parts: heard } = await waiting;
    assert.deepEqual(heard.map(toHex), parts.slice(0, 1).map(toHex));
    await first.tell(parts.slice(1));
    const next = await second.told(position);
    assert.deepEqual(next.parts.map(toHex), parts.slice(1).map(toHex));
    // A node that starts reads all salts except its own.
    assert.deepEqual((await second.told()).parts.map(toHex), parts.map(toHex));
    assert.deepEqual((await first.told()).parts, []);
    await using third = fleet.link("three");
    assert.equal((await third.salts!.told()).parts.length, 3);
  });

  check("a salt is claimed by one node, whoever asks", async (fleet) => {
    await using one = fleet.link("one");
    await using two = fleet.link("two");
    const salts = [16, 32, 8].map((length) => seededBytes(length, length));
    for (const salt of salts) {
      const claims = await Promise.all(
        [one, two, one].map((link) => link.salts!.claim(salt)),
      );
      assert.equal(claims.filter((isNew) => isNew).length, 1);
    }
  });
}

function toHex(bytes: Uint8Array): string {
  return bytes.toHex();
}
