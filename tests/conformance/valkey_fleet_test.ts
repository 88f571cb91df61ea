/**
 * Runs the tests of fleets with a real server.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { openValkeyFleet } from "../../src/adapters/fleet/valkey_fleet.ts";
import type { FleetLink } from "../../src/fleet.ts";
import { NODE_FORGET_MS } from "../../src/limits.ts";
import { announceSkip } from "../support/report.ts";
import {
  administer,
  REDIS_SKIP,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import {
  type FleetFixture,
  fleetSuite,
  nodeBeat,
  sharedUser,
  usageReport,
} from "./fleet_suite.ts";

let server: RedisServer;

/**
 * Opens a link at its first call, because the suite creates links
 * synchronously.
 */
function lateLink({ place, keys }: TestFleet, node: string): FleetLink {
  const opening = openValkeyFleet({ ...place, keys, node, domain: "main" });
  opening.catch(() => {});
  return {
    node,
    leaseMs: 600_000,
    snapshot: async (...given) => (await opening).snapshot(...given),
    changes: async (...given) => (await opening).changes(...given),
    join: async () => (await opening).join(),
    report: async (...given) => (await opening).report(...given),
    enter: async (...given) => (await opening).enter(...given),
    keep: async (...given) => (await opening).keep(...given),
    leave: async (...given) => (await opening).leave(...given),
    nodes: {
      beat: async (...given) => (await opening).nodes!.beat(...given),
      leave: async (...given) => (await opening).nodes!.leave(...given),
      list: async () => (await opening).nodes!.list(),
      setDraining: async (...given) =>
        (await opening).nodes!.setDraining(...given),
    },
    totals: {
      used: async (...given) => (await opening).totals!.used(...given),
    },
    salts: {
      tell: async (...given) => (await opening).salts!.tell(...given),
      told: async (...given) => (await opening).salts!.told(...given),
      claim: async (...given) => (await opening).salts!.claim(...given),
    },
    [Symbol.asyncDispose]: async () => (await opening)[Symbol.asyncDispose](),
  };
}

async function openFixture(): Promise<FleetFixture> {
  const fleet = await server.fleet();
  const admin = await administer(fleet);
  return {
    link: (node) => lateLink(fleet, node),
    put: (user) => admin.put(user),
    remove: async (service, name) => {
      assert.equal(await admin.remove(service, name), true);
    },
    usedBytes: async (service, name) =>
      (await admin.user(service, name))?.usedBytes ?? 0,
    [Symbol.asyncDispose]: () => Promise.resolve(admin[Symbol.dispose]()),
  };
}

if (REDIS_SKIP) announceSkip(REDIS_SKIP);
else {
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server[Symbol.asyncDispose]());
  fleetSuite("Redis", openFixture);

  test("Redis: the services of a node are sealed for it alone", async () => {
    const fleet = await server.fleet();
    await using link = await openValkeyFleet({
      ...{ ...fleet.place, keys: fleet.keys, node: "one" },
    });
    const nodes = link.nodes!;
    await nodes.beat(await link.join(), nodeBeat());
    const prefix = `umbra:${fleet.place.fleet}:n`;
    const row = await server.command("HGETALL", `${prefix}:one`);
    assert.match(row, /1\.2\.3/);
    assert(!row.includes("fra1.example") && !row.includes("AAECAwQF"));
    const [listed] = (await nodes.list()).nodes;
    assert.deepEqual(listed?.keyIds, fleet.keys.ids);
    assert.equal(listed?.services[0]?.host, "fra1.example");
    // A copy under another name, and a changed value, must be rejected.
    await server.command("COPY", `${prefix}:one`, `${prefix}:two`);
    await server.command(
      "ZADD",
      `umbra:${fleet.place.fleet}:heard`,
      "1",
      "two",
    );
    await server.command("HSET", `${prefix}:one`, "k", "x".repeat(60));
    const { nodes: forged } = await nodes.list();
    assert.deepEqual(
      forged.map(({ services, isSealed }) => [services.length, isSealed]),
      [[0, true], [0, true]],
    );
  });

  test("Redis: a user that cannot be opened keeps no other away", async () => {
    const fleet = await server.fleet();
    using admin = await administer(fleet);
    for (const name of ["ann", "bob"]) await admin.put(sharedUser(name));
    const unopened: string[] = [];
    await using link = await openValkeyFleet({
      ...{ ...fleet.place, keys: fleet.keys, node: "one" },
      unopened: ({ code }) => unopened.push(code),
    });
    const name = `umbra:${fleet.place.fleet}`;
    await server.command("HSET", `${name}:u:{8388/bob}`, "k", "x".repeat(61));
    const { users, position } = await link.snapshot(["8388"]);
    assert.deepEqual(users, [sharedUser("ann")]);
    await server.command(
      ...["XADD", `${name}:log`, "*", "t", "user", "id", "8388/ann"],
      ...["v", "2", "k", "x".repeat(61)],
    );
    const { changes } = await link.changes(position);
    assert.deepEqual(changes, [
      { kind: "gone", service: "8388", name: "ann" },
    ]);
    assert.deepEqual(unopened, ["ERR_STORE_DAMAGED", "ERR_STORE_DAMAGED"]);
    assert.deepEqual((await admin.seals()).unopened, ["8388/bob"]);
  });

  test("Redis: a node is forgotten with its time", async () => {
    const fleet = await server.fleet();
    await using link = await openValkeyFleet({
      ...{ ...fleet.place, keys: fleet.keys, node: "one" },
    });
    await link.nodes!.beat(await link.join(), nodeBeat());
    const name = `umbra:${fleet.place.fleet}`;
    const life = Number(await server.command("PTTL", `${name}:n:one`));
    assert(life > 0 && life <= NODE_FORGET_MS);
    // The remains of a forgotten node are removed at the next heartbeat.
    await server.command("ZADD", `${name}:heard`, "1", "old");
    await link.nodes!.beat(await link.join(), nodeBeat());
    const heard = await server.command("ZRANGE", `${name}:heard`, "0", "-1");
    assert.equal(heard, "one");
  });

  test("Redis: a removed node holds no lease, no seat and no say", async () => {
    const fleet = await server.fleet();
    using admin = await administer(fleet);
    await admin.put(sharedUser("ann", { quotaBytes: 1_000, maxHosts: 1 }));
    await admin.put(sharedUser("bob"));
    const open = (node: string): Promise<FleetLink> =>
      openValkeyFleet({ ...fleet.place, keys: fleet.keys, node });
    await using lost = await open("lost");
    await using other = await open("other");
    const [incarnation, there] = [await lost.join(), await other.join()];
    assert.equal(await admin.removeNode("losr"), "unknown");
    await lost.nodes!.beat(incarnation, nodeBeat());
    await admin.setDraining("lost", true);
    assert.equal(await admin.removeNode("lost"), "alive");
    const seat = { service: "8388", name: "ann", place: "192.0.2.1" };
    const said = { bytesUp: 200, wantBytes: 700 };
    const report = usageReport("ann", 1, said);
    assert((await lost.enter(incarnation, seat, report)).isAdmitted);
    const elsewhere = { ...seat, place: "192.0.2.2" };
    const asked = usageReport("ann", 1, { wantBytes: 1_000 });
    const before = await other.enter(there, elsewhere, asked);
    assert.equal(before.isAdmitted, false);
    assert(before.outcome.kind === "lease");
    assert.equal(before.outcome.lease.grantedBytes, 100);

    const name = `umbra:${fleet.place.fleet}`;
    await server.command("HSET", `${name}:n:lost`, "at", "1");
    assert.equal(await admin.removeNode("lost"), 1);
    assert.deepEqual((await admin.nodes()).nodes, []);
    assert.equal(await server.command("HLEN", `${name}:drained`), "0");
    const again = usageReport("ann", 2, { wantBytes: 1_000 });
    const after = await other.enter(there, elsewhere, again);
    assert.equal(after.isAdmitted, true);
    assert(after.outcome.kind === "lease");
    const { grantedBytes, activeNodes } = after.outcome.lease;
    assert.deepEqual([grantedBytes, activeNodes], [800, 1]);
    const [, ...more] = (await admin.user("8388", "ann"))!.nodes;
    assert.deepEqual(more, []);

    // The totals of the removed process are counted already.
    const late = usageReport("ann", 2, { bytesUp: 300 });
    const { outcomes } = await lost.report(incarnation, [late]);
    assert.deepEqual(outcomes, [{ kind: "stale" }]);
    const next = await lost.join();
    const fresh = usageReport("ann", 1, { bytesUp: 50 });
    const [outcome] = (await lost.report(next, [fresh])).outcomes;
    assert.equal(outcome?.kind, "lease");
    assert.equal((await admin.user("8388", "ann"))!.usedBytes, 250);
    // The second removal finishes one that was interrupted.
    assert.equal(await admin.removeNode("lost"), 1);
    assert.equal(await admin.removeNode("other"), 1);
  });
}
