/**
 * Tests three servers of both runtimes that know each other through a real
 * redis-server: one is killed and removed, one is drained and restored, and
 * operators and clients see it.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { FleetAdmin } from "../../src/adapters/fleet/fleet_admin.ts";
import { seededBytes } from "../support/bytes.ts";
import { freePort, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import {
  administer,
  FLEET_KEY,
  REDIS_SKIP,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { announceSkip, report } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { socksConnect } from "../support/tcp.ts";
import { until } from "../support/within.ts";
import {
  type End,
  type Implementation,
  startLocal,
  startServer,
} from "./chain.ts";

const METHOD = "2022-blake3-aes-128-gcm";
const ALICE = seededBytes(16, 40).toBase64();

const NODES = [
  { name: "one", runtime: "deno", host: "127.0.0.32" },
  { name: "two", runtime: "bun", host: "127.0.0.33" },
  { name: "three", runtime: "bun", host: "127.0.0.34" },
] as const satisfies readonly {
  name: string;
  runtime: Implementation;
  host: string;
}[];

const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-nodes-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const keyFile = join(folder, "fleet.key");
writeFileSync(keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });

function keyOf(at: number): string {
  return seededBytes(16, at + 1).toBase64();
}

let server: RedisServer;
let fleet: TestFleet;
let admin: FleetAdmin;
let target: Target;
let port: number;
const ends: End[] = [];
const adminPorts: number[] = [];

async function startNode(at: number): Promise<void> {
  const { name, runtime, host } = NODES[at]!;
  adminPorts[at] ??= await freePort();
  ends[at] = await startServer(runtime, {
    ...{ host, port, method: METHOD, password: keyOf(at) },
    flags: [
      ...["--fleet", fleet.url, "--fleet-key", keyFile, "--node", name],
      ...["--admin", `127.0.0.1:${adminPorts[at]}`],
    ],
  });
  await ends[at]!.program.waitForOutput(/operator's port on/, 5_000);
}

function ask(at: number, path: string): Promise<Response> {
  return fetch(`http://127.0.0.1:${adminPorts[at]}${path}`);
}

/** Runs `umbra fleet …` on both runtimes in turn. */
let calls = 0;
function umbraFleet(
  ...words: string[]
): ReturnType<typeof runToEnd> {
  const runtime = calls++ % 2 === 0 ? "deno" : "bun";
  const named = ["--fleet", fleet.url, "--fleet-key", keyFile];
  return runToEnd(
    [...programCommand(runtime), "fleet", ...words, ...named],
    20_000,
    { cwd: ROOT },
  );
}

/** Returns `NODE STATE` of each node. */
async function states(): Promise<string[]> {
  const { code, output } = await umbraFleet("status", "--json");
  assert.equal(code, 0, output);
  const { nodes } = JSON.parse(output) as {
    nodes: { node: string; state: string }[];
  };
  return nodes.map(({ node, state }) => `${node} ${state}`);
}

/** Returns the hosts in the document that the first node serves to alice. */
async function listed(): Promise<string[]> {
  const access = await ask(0, `/api/servers/${port}/users/alice/uri`);
  const { sip008 } = await access.json() as { sip008: string };
  const document = await (await ask(0, sip008)).json() as {
    servers: { server: string; password: string }[];
  };
  for (const { server, password } of document.servers) {
    const at = NODES.findIndex(({ host }) => host === server);
    assert.equal(password, `${keyOf(at)}:${ALICE}`);
  }
  return document.servers.map(({ server }) => server).toSorted();
}

function listIs(numbers: readonly number[], limitMs: number): Promise<void> {
  const wanted = numbers.map((at) => NODES[at]!.host);
  return until(
    limitMs,
    `the list is ${wanted.join(", ")}`,
    async () => (await listed()).join() === wanted.join(),
  );
}

function readyIs(at: number, status: number): Promise<void> {
  return until(
    5_000,
    `node ${at} answers ${status}`,
    async () => (await ask(at, "/readyz")).status === status,
  );
}

describe("the nodes of a fleet", { skip: REDIS_SKIP }, () => {
  before(async () => {
    server = await RedisServer.start();
    fleet = await server.fleet();
    admin = await administer(fleet);
    target = await Target.start();
    port = await freePort();
    await admin.put({
      ...{ service: `${port}`, name: "alice", password: ALICE },
      ...{ limits: {}, disabled: false },
    });
    await Promise.all(NODES.map((_, at) => startNode(at)));
  });
  after(async () => {
    admin[Symbol.dispose]();
    await Promise.all(ends.map((end) => end[Symbol.asyncDispose]()));
    await target[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("are shown, and named to clients", async () => {
    await listIs([0, 1, 2], 5_000);
    assert.deepEqual(await states(), ["one up", "three up", "two up"]);
    const { code, output } = await umbraFleet("status");
    assert.equal(code, 0);
    assert.match(
      output,
      /^NODE +STATE +HOST.*\none +up +127\.0\.0\.32 .* deno /,
    );
    assert.match(output, /3 up, 0 draining, 0 lost/);
    assert(!output.includes(keyOf(0)));
  });

  test("tell the usage of the fleet", async () => {
    const counts = { bytesUp: 1_000, bytesDown: 20_000 };
    await admin.raise(`${port}`, "alice", counts);
    const access = await ask(1, `/api/servers/${port}/users/alice/uri`);
    const { sip008 } = await access.json() as { sip008: string };
    const document = await ask(1, sip008);
    assert.equal((await document.json()).bytes_used, 21_000);
    assert.equal(
      document.headers.get("subscription-userinfo"),
      "upload=1000; download=20000",
    );
    const metrics = await (await ask(2, "/metrics?fleet=true")).text();
    assert.match(metrics, /^umbra_fleet_nodes\{state="up"\} 3$/m);
    assert.match(metrics, /^umbra_fleet_users\{state="active"\} 1$/m);
  });

  test("are left out when they are killed or drained, and come back", async () => {
    const startMs = performance.now();
    ends[2]!.program.signal("SIGKILL");
    await ends[2]!.program.exited;
    await using local = await startLocal("deno", {
      ...{ host: NODES[1].host, port },
    }, { method: METHOD, password: `${keyOf(1)}:${ALICE}` });
    using open = await socksConnect(local.address, target.address);
    await open.write(command("echo"));
    await open.write(command("x"));
    assert.notEqual(await open.read(), undefined);

    assert.equal((await umbraFleet("drain", "two")).code, 0);
    await readyIs(1, 503);
    assert(!(await listed()).includes(NODES[1].host));
    await open.write(command("y"));
    assert.notEqual(await open.read(), undefined);
    const waited = await umbraFleet("drain", "two", "--wait", "1");
    assert.equal(waited.code, 1, waited.output);
    assert.match(waited.output, /connections in its last heartbeat, after 1 s/);
    const refused = await umbraFleet("remove", "two");
    assert.equal(refused.code, 2);
    assert.match(refused.output, /stop the server first/);
    assert.equal((await umbraFleet("restore", "two")).code, 0);
    await readyIs(1, 200);

    await listIs([0, 1], 15_000);
    report(`lost after ${Math.round(performance.now() - startMs)} ms`);
    assert.deepEqual(await states(), ["one up", "three lost", "two up"]);
    const unknown = await umbraFleet("drain", "four");
    assert.equal(unknown.code, 2);
    assert.match(unknown.output, /no node of that name/);
    const sick = await umbraFleet("doctor");
    assert.equal(sick.code, 1);
    assert.match(sick.output, /fail +three +last heartbeat \d+ s ago/);
    assert.match(sick.output, /ok +one +up/);
    // This engine is set up for tests and is not safe for operation.
    assert.match(sick.output, /fail +persistence/);

    assert.equal((await umbraFleet("remove", "three")).code, 0);
    assert.deepEqual(await states(), ["one up", "two up"]);
    await startNode(2);
    await listIs([0, 1, 2], 5_000);
  });

  test("know each other while the engine is away, and serve on", async () => {
    server.program.signal("SIGKILL");
    await server.program.exited;
    await ends[0]!.program.waitForOutput(/served on/, 5_000);
    assert.deepEqual(await listed(), NODES.map(({ host }) => host));
    assert.equal((await ask(0, "/readyz")).status, 200);
    assert.equal((await ask(0, "/metrics?fleet=true")).status, 503);
    await until(
      5_000,
      "the list is what was known",
      async () => !(await (await ask(0, "/api/fleet")).json()).isCurrent,
    );
    assert.deepEqual(await listed(), NODES.map(({ host }) => host));
    const { code, output } = await umbraFleet("doctor");
    assert.equal(code, 1);
    assert.match(output, /fail +engine/);
    await server.startAgain();
  });
});

if (REDIS_SKIP) announceSkip(REDIS_SKIP);
