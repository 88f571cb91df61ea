/**
 * Tests a supervised server in a fleet, in memory.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryFleet } from "../../../../src/adapters/fleet/memory_fleet.ts";
import {
  Observations,
  serviceStatus,
} from "../../../../src/admin/observations.ts";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { configureServer } from "../../../../src/cli/config/config.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { Fleet } from "../../../../src/cli/run/fleet.ts";
import { Supervisor } from "../../../../src/cli/run/supervisor.ts";
import { ProvidersInUse } from "../../../../src/cli/tools/crypto.ts";
import { parseServerUri } from "../../../../src/codec/uri.ts";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { readKeys } from "../../../../src/session/families.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import type { SharedUser } from "../../../../src/fleet.ts";
import {
  FLEET_WATCH_MS,
  NODE_BEAT_MS,
  NODE_LIST_MS,
  NODE_LOST_MS,
} from "../../../../src/limits.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { FleetMember } from "../../../../src/service/fleet/member.ts";
import { clientProtocol } from "../../../../src/session/families.ts";
import { nodeBeat, usageReport } from "../../../conformance/fleet_suite.ts";
import { seededBytes } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { sourcesOf } from "../../../support/sources.ts";
import { send } from "../../../support/streams.ts";
import { TARGET, World } from "../../../support/world.ts";

const HOST = "10.0.0.2";
const PORT = 8388;

function keyOf(number: number): string {
  return seededBytes(16, number).toBase64();
}

class Bench {
  readonly world = new World({ capacity: 1 << 20 });
  readonly fleet = new MemoryFleet(this.world.clock);
  readonly supervisor: Supervisor;
  readonly #method: string;
  file: string;

  constructor(method: string, more: object = {}) {
    this.#method = method;
    this.file = JSON.stringify({
      server: HOST,
      ["server_port"]: PORT,
      ["allow_private"]: "all",
      password: keyOf(1),
      method,
      ...more,
    });
    const args = parseArguments(findCommand("server")!, ["-c", "umbra.json"]);
    const configure = () => configureServer(args, sourcesOf(() => this.file));
    const observations = new Observations(this.world.clock);
    const world = { ...this.world.dependencies, metrics: observations };
    const logger = world.logger!;
    const { clock } = this.world;
    this.supervisor = new Supervisor(configure(), {
      configure,
      ciphers: new ProvidersInUse("noble", logger),
      world,
      clock,
      randomBytes: systemRandomBytes,
      logger,
      fleet: new Fleet({ logger, withFields: false }),
      fleetMember: new FleetMember({
        node: "one",
        connect: () => Promise.resolve(this.fleet.link("one")),
        clock,
        logger,
        outage: "serve",
      }),
      guessHost: () => "guessed.example",
      programStatus: () => ({
        version: "0",
        runtime: "test",
        role: "server",
        startedUnixMs: 0,
        nowUnixMs: 0,
        ready: true,
        ...serviceStatus(observations.snapshot),
        connections: { open: 0, accepted: 0, limit: 1 },
        eventLoopLagMs: 0,
        residentBytes: 0,
        crypto: [],
        legacy: [],
      }),
    });
  }

  /** True if a client with this password reaches a target. */
  async reaches(password: string): Promise<boolean> {
    const target = await this.world.target();
    const method = findMethod(this.#method);
    const keys = readKeys(password, method, "password");
    const client = await this.world.network.dial({ host: HOST, port: PORT });
    const session = clientProtocol({
      method,
      masterKey: keys.at(-1)!,
      ...keys.length > 1 && { identityKeys: keys.slice(0, -1) },
    }, {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: this.world.clock,
      randomBytes: systemRandomBytes,
    }).stream();
    const before = this.world.network.dialled.length;
    await send(client, session.request(TARGET, seededBytes(10)));
    await settle();
    client.close();
    target.close();
    await settle();
    return this.world.network.dialled.length > before;
  }

  async stop(): Promise<void> {
    const stopping = this.supervisor.stop(0);
    await this.world.clock.advance(FLEET_WATCH_MS);
    await stopping;
    assert.equal(this.world.network.openListeners, 0);
  }
}

function user(name: string, password: string): SharedUser {
  const service = `${PORT}`;
  return { service, name, password, limits: {}, disabled: false };
}

for (const method of ["2022-blake3-aes-128-gcm", "aes-128-gcm"]) {
  test(`users of the fleet come and go, and the server's own key is none, of ${method}`, async () => {
    const bench = new Bench(method);
    const { supervisor, fleet } = bench;
    await supervisor.start();
    // With a 2022 method, every user knows the server's key; with a 2017
    // method, only the operator does.
    const is2022 = method.startsWith("2022");
    const password = is2022 ? `${keyOf(1)}:${keyOf(2)}` : keyOf(2);
    const who = async (): Promise<boolean[]> => [
      await bench.reaches(keyOf(1)),
      await bench.reaches(password),
    ];
    assert.deepEqual(await who(), [!is2022, false]);
    fleet.put(user("alice", keyOf(2)));
    await settle();
    assert.deepEqual(await who(), [!is2022, true]);
    fleet.put(user("bob", keyOf(3)));
    fleet.remove(`${PORT}`, "alice");
    await settle();
    assert.deepEqual(await who(), [!is2022, false]);
    fleet.remove(`${PORT}`, "bob");
    await settle();
    assert.deepEqual(await who(), [!is2022, false]);
    assert.equal(supervisor.status().servers[0]!.userCount, 0);
    await bench.stop();
  });
}

test("users of the fleet are seen, and changed in the fleet alone", async () => {
  const ann = { name: "ann", password: keyOf(4) };
  const bench = new Bench("2022-blake3-aes-128-gcm", { users: [ann] });
  const { supervisor, fleet } = bench;
  fleet.put(user("alice", keyOf(2)));
  fleet.put(user("ann", keyOf(5)));
  await supervisor.start();
  const id = `${PORT}`;
  const origins = (): string[] =>
    [...supervisor.users(id)].map(({ name, origin }) => `${name} ${origin}`);
  assert.deepEqual(origins().sort(), ["alice fleet", "ann file"]);
  assert.match(supervisor.credentials(id, "alice")!.uri, /#alice$/);
  assert.equal(supervisor.credentials(id, "alice")!.password, keyOf(2));
  for (
    const change of [
      () => supervisor.changeUser(id, "alice", { disabled: true }),
      () => supervisor.removeUser(id, "alice"),
      () => supervisor.addUser(id, { name: "alice" }),
    ]
  ) assert.throws(change, { code: "ERR_CONFIG_VALUE" });
  supervisor.addUser(id, { name: "local" });
  await supervisor.reload(false);
  assert.deepEqual(origins().sort(), [
    ...["alice fleet", "ann file", "local api"],
  ]);
  assert.equal(supervisor.status().fleet!.node, "one");
  await bench.stop();
});

test("the usage of a user is that of the fleet, of a local one its own", async () => {
  const ann = { name: "ann", password: keyOf(4) };
  const bench = new Bench("2022-blake3-aes-128-gcm", { users: [ann] });
  const { supervisor, fleet, world } = bench;
  fleet.put({ ...user("alice", keyOf(2)), limits: { quotaBytes: 1_000 } });
  await supervisor.start();
  const other = fleet.link("two");
  const said = { bytesUp: 30, bytesDown: 600 };
  await other.report(await other.join(), [usageReport("alice", 1, said)]);
  assert.deepEqual(await supervisor.used(`${PORT}`, "alice"), said);
  assert.equal((await supervisor.used(`${PORT}`, "ann"))!.bytesDown, 0);
  assert.equal(await supervisor.used(`${PORT}`, "nobody"), undefined);
  const totals = await supervisor.fleetTotals();
  assert.deepEqual(totals, {
    nodes: { up: 1, draining: 0, lost: 0 },
    users: { active: 1, disabled: 0, expired: 0, spent: 0 },
    top: [{ service: `${PORT}`, name: "alice", part: 0.63 }],
  });
  fleet.reach.set("one", "down");
  assert.equal(await supervisor.used(`${PORT}`, "alice"), undefined);
  assert.equal(supervisor.status().fleet!.isUp, false);
  await world.clock.advance(NODE_LIST_MS);
  assert.equal(await supervisor.fleetTotals(), undefined);
  fleet.reach.delete("one");
  await bench.stop();
});

test("a server that cannot tell users apart is in no fleet", async () => {
  const bench = new Bench("2022-blake3-chacha20-poly1305", {
    password: seededBytes(32).toBase64(),
  });
  await assert.rejects(bench.supervisor.start(), {
    code: "ERR_CONFIG_VALUE",
    message: /cannot tell users apart/,
  });
  await bench.stop();
});

test("a user of the fleet has a link to each server that is up, a local one to its own", async () => {
  const ann = { name: "ann", password: keyOf(4) };
  const bench = new Bench("2022-blake3-aes-128-gcm", { users: [ann] });
  const { supervisor, fleet, world } = bench;
  const { clock } = world;
  fleet.put(user("alice", keyOf(2)));
  await supervisor.start();
  const other = fleet.link("two");
  const second = await other.join();
  const beat = nodeBeat({
    connections: 0,
    services: [{
      service: `${PORT}`,
      host: "two.example",
      method: "2022-blake3-aes-128-gcm",
      mode: "tcp_only",
      serverKey: keyOf(9),
    }],
  });
  await other.nodes!.beat(second, beat);
  await clock.advance(NODE_BEAT_MS);
  const hosts = async (name: string): Promise<string[]> => {
    const links = await supervisor.links(`${PORT}`, name);
    return links.map((link) => parseServerUri(link).host).toSorted();
  };
  assert.deepEqual(await hosts("alice"), [HOST, "two.example"]);
  assert.deepEqual(await hosts("ann"), [HOST]);
  assert.deepEqual(await hosts("nobody"), []);
  // The node sends no more heartbeats.
  await clock.advance(NODE_LOST_MS + NODE_BEAT_MS);
  assert.deepEqual(await hosts("alice"), [HOST]);
  await other.nodes!.beat(second, beat);
  await clock.advance(NODE_LIST_MS);
  assert.equal(supervisor.status().ready, true);
  await supervisor.fleetNodes!.setDraining("one", true);
  await clock.advance(NODE_BEAT_MS);
  assert.equal(supervisor.status().ready, false);
  assert.deepEqual(await hosts("alice"), ["two.example"]);
  // A document without servers would be useless.
  await supervisor.fleetNodes!.setDraining("two", true);
  assert.deepEqual(await hosts("alice"), [HOST]);
  await supervisor.fleetNodes!.setDraining("one", false);
  await clock.advance(NODE_BEAT_MS);
  assert.equal(supervisor.status().ready, true);
  await bench.stop();
  const left = (await other.nodes!.list()).nodes.map(({ node }) => node);
  assert.deepEqual(left, ["two"]);
});
