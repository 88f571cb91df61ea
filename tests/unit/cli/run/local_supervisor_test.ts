/**
 * A supervised local in memory: servers that are added to it while it runs, and
 * what it tells of them, of its rules and of its connections.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  Observations,
  serviceStatus,
} from "../../../../src/admin/observations.ts";
import { RecentRequests } from "../../../../src/admin/recent_requests.ts";
import { requestRows } from "../../../../src/admin/request_rows.ts";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  upstreamOfLink,
} from "../../../../src/cli/config/config.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { Fleet } from "../../../../src/cli/run/fleet.ts";
import { LocalPlan } from "../../../../src/cli/run/local_plan.ts";
import { LocalSupervisor } from "../../../../src/cli/run/local_supervisor.ts";
import { ProvidersInUse } from "../../../../src/cli/tools/crypto.ts";
import { MAX_ADDED_SERVERS } from "../../../../src/limits.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { sourcesOf } from "../../../support/sources.ts";
import { send } from "../../../support/streams.ts";
import { accepted, World } from "../../../support/world.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-local-supervisor-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const LINK = "ss://aes-128-gcm:secret@192.0.2.9:8389#Spare";

/** A local of the memory world towards its server, and its file. */
class Bench {
  readonly world = new World();
  readonly requests = new RecentRequests();
  readonly supervisor: LocalSupervisor;

  constructor(more: object = {}, options: readonly string[] = []) {
    const file = JSON.stringify({
      server: "10.0.0.2",
      ["server_port"]: 8388,
      method: "chacha20-ietf-poly1305",
      password: "password",
      ["local_address"]: "127.0.0.1",
      ["local_port"]: 1080,
      ...more,
    });
    const path = join(folder, "umbra.json");
    const argv = ["-c", path, ...options];
    const args = parseArguments(findCommand("local")!, argv);
    const sources = sourcesOf(() => file);
    const configure = () => configureLocal(args, sources);
    const observations = new Observations(
      this.world.clock,
      undefined,
      this.requests,
    );
    const world = { ...this.world.dependencies, metrics: observations };
    const logger = world.logger!;
    this.supervisor = new LocalSupervisor(configure(), {
      configure,
      readLink: (link) => upstreamOfLink(link, args, sources),
      ciphers: new ProvidersInUse("noble", logger),
      world,
      logger,
      fleet: new Fleet({ logger, metrics: observations, withFields: false }),
      plans: (locals, group) =>
        locals.map((local) => new LocalPlan(local, world, group)),
      programStatus: () => ({
        version: "0",
        runtime: "test",
        role: "local",
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

  async started(): Promise<this> {
    await this.world.server();
    await this.supervisor.start();
    return this;
  }

  /** Names of the servers, those that were added with a plus. */
  get servers(): string[] {
    return this.supervisor.status().upstreams!.map(({ name, added }) =>
      added ? `+${name}` : name
    );
  }

  async stop(): Promise<void> {
    await this.supervisor.stop(0);
    await this.world.stop();
  }
}

test("LocalSupervisor adds a server by its link until the next reload", async () => {
  const bench = await new Bench().started();
  const { supervisor } = bench;
  supervisor.upstreams.pin("10.0.0.2:8388");
  assert.equal(await supervisor.addUpstream(` ${LINK} `), "Spare");
  assert.deepEqual(bench.servers, ["10.0.0.2:8388", "+Spare"]);
  const [first, spare] = supervisor.status().upstreams!;
  assert.equal(spare!.address, "192.0.2.9:8389");
  assert.ok(first!.pinned, "what was switched is forgotten");
  // Another server of the same name is another server.
  const other = await supervisor.addUpstream(LINK.replace("8389", "8390"));
  assert.equal(other, "Spare (2)");
  await assert.rejects(supervisor.addUpstream(LINK), /already exists/);
  const { changes } = await supervisor.reload(true);
  assert.match(changes.join("\n"), /2 added at run time are removed/);
  assert.equal(bench.servers.length, 3);
  await supervisor.reload(false);
  assert.deepEqual(bench.servers, ["10.0.0.2:8388"]);
  await bench.stop();
});

test("a reload says that it undoes choices of servers, and does", async () => {
  const bench = await new Bench().started();
  const { supervisor } = bench;
  supervisor.upstreams.change("10.0.0.2:8388", { disabled: true });
  const preview = await supervisor.reload(true);
  assert.deepEqual(preview.changes, [
    "servers: choices made at run time are reset",
  ]);
  assert.equal(supervisor.status().upstreams![0]!.disabled, true);
  await supervisor.reload(false);
  assert.equal(supervisor.status().upstreams![0]!.disabled, false);
  assert.deepEqual((await supervisor.reload(true)).changes, []);
  await bench.stop();
});

test("LocalSupervisor keeps what was added when a list names other servers", async () => {
  const bench = await new Bench().started();
  await bench.supervisor.addUpstream(LINK);
  const { method, masterKey } = bench.world;
  const endpoint = { host: "10.0.0.7", port: 1 };
  await bench.supervisor.setServers([{ endpoint, method, masterKey }]);
  assert.deepEqual(bench.servers, ["10.0.0.7:1", "+Spare"]);
  await bench.stop();
});

test("LocalSupervisor takes away what was added, and nothing else", async () => {
  const bench = await new Bench().started();
  const { supervisor } = bench;
  await supervisor.addUpstream(LINK);
  supervisor.upstreams.pin("Spare");
  await assert.rejects(
    supervisor.removeUpstream("10.0.0.2:8388"),
    /is in the configuration: remove it there/,
  );
  await supervisor.removeUpstream("Spare");
  assert.deepEqual(bench.servers, ["10.0.0.2:8388"]);
  const { client, reply } = await bench.world.connect();
  assert.equal(reply[1], 0, "the pin has outlived its server");
  client.close();
  await bench.stop();
});

test("LocalSupervisor adds no more servers than there is room for", async () => {
  const bench = await new Bench().started();
  for (let i = 0; i < MAX_ADDED_SERVERS; i++) {
    await bench.supervisor.addUpstream(LINK.replace("8389", String(9_000 + i)));
  }
  await assert.rejects(
    bench.supervisor.addUpstream(LINK),
    /Cannot add more than/,
  );
  await bench.stop();
});

for (
  const [what, link, complaint] of [
    ["no link", "192.0.2.1:8388", /paste an ss:/],
    ["the address of a list", "https://example.com/list", /address of a list/],
    [
      "a link that would start a program",
      `${LINK.replace("#", "/?plugin=obfs-local%3Bobfs%3Dhttp#")}`,
      /"obfs-local" is a program, and a link must not start/,
    ],
    [
      "a method that protects nothing",
      LINK.replace("aes-128-gcm", "aes-256-cfb"),
      /is not served unless --allow-legacy/,
    ],
    ["half a link", "ss://aes-128-gcm", /./],
  ] as const
) {
  test(`LocalSupervisor adds no server for ${what}`, async () => {
    const bench = await new Bench().started();
    await assert.rejects(bench.supervisor.addUpstream(link), (error: Error) => {
      assert.equal(error.name, "ConfigError");
      assert.match(error.message, complaint);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    assert.equal(bench.servers.length, 1);
    await bench.stop();
  });
}

test("a link for v2ray-plugin that needs no program is added", async () => {
  const bench = await new Bench().started();
  const plugin = encodeURIComponent("v2ray-plugin;mux=0;host=a.example");
  const link = LINK.replace("#", `/?plugin=${plugin}#`);
  assert.equal(await bench.supervisor.addUpstream(link), "Spare");
  await bench.stop();
});

test("a local tells which rule has sent its latest connections where", async () => {
  const list = join(folder, "near.txt");
  writeFileSync(list, "near.test\nalso.test\n");
  utimesSync(list, 1_000, 1_000);
  const bench = await new Bench({
    ["rule_sets"]: { near: { path: list } },
    routes: [
      { ["domain_suffix"]: ["bad.test"], to: "block" },
      { ["rule_set"]: ["near"], to: "direct" },
    ],
  }).started();
  const { world, requests, supervisor } = bench;
  assert.deepEqual(supervisor.status().ruleSets, [{
    name: "near",
    source: list,
    rules: 2,
    bytes: supervisor.status().ruleSets![0]!.bytes,
    changedUnixMs: 1_000_000,
  }]);
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("hello"));
  await settle();
  const [open] = requests.latest;
  assert.equal(open!.server, "10.0.0.2:8388");
  assert.equal(open!.bytesUp, 5);
  assert.equal(open!.durationMs, undefined);
  assert.match(open!.way!, /^proxy: /);
  await send(await accepted(target), utf8("hi"));
  await settle();
  assert.equal(requests.latest[0]!.bytesDown, 2);
  client.close();
  await settle();
  assert.notEqual(requests.latest[0]!.durationMs, undefined);
  const refused = await world.connect(
    // SOCKS5: CONNECT to the name www.bad.test, port 443.
    "05010003" + "0c" + "7777772e6261642e74657374" + "01bb",
  );
  assert.equal(refused.reply[1], 2);
  refused.client.close();
  await settle();
  const [blocked] = requestRows(requests.latest);
  assert.equal(blocked!.target, "www.bad.test:443");
  assert.equal(blocked!.way, "blocked");
  assert.match(blocked!.why, /^routes\[0\] .*"bad\.test"/);
  assert.equal(blocked!.end, "Blocked by a rule");
  assert.ok(blocked!.words.includes("block"));
  await bench.stop();
});
