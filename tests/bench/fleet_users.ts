/**
 * The cost of many users in the engine for a node: time until it is ready, from
 * the engine and from its copy, memory, and the time until a new user is known.
 * `deno run -A tests/bench/fleet_users.ts [USERS] [RUNTIME]`
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { FleetAdmin } from "../../src/adapters/fleet/fleet_admin.ts";
import { seededBytes } from "../support/bytes.ts";
import { freePort, Program } from "../support/process.ts";
import {
  administer,
  FLEET_KEY,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { pause } from "../support/within.ts";
import { runtimeCommand } from "./systems.ts";

const METHOD = "2022-blake3-aes-256-gcm";
const SERVER_KEY = new Uint8Array(32).fill(1).toBase64();

/** Milliseconds until garbage has been returned. */
const REST_MS = 20_000;

/** Users that are written at the same time. */
const WRITERS = 100;

/** Users that are added to a running node. */
const ADDED = 50;

const count = Number(process.argv[2] ?? 100_000);
const runtimes = process.argv[3] === undefined
  ? ["deno", "bun"] as const
  : [process.argv[3] as "deno" | "bun"];
const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-users-"));
const keyFile = join(folder, "fleet.key");
writeFileSync(keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });
try {
  await using redis = await RedisServer.start();
  const port = await freePort();
  const [empty, full] = [await redis.fleet(), await redis.fleet()];
  using admin = await administer(full);
  await fill(admin, port);
  for (const runtime of runtimes) {
    const of = { runtime, port };
    print(`${runtime}, no users`, await start(of, empty));
    print(`${runtime}, ${count} users, cold`, await start(of, full, admin));
    print(`${runtime}, ${count} users, again`, await start(of, full));
    const away = full.url.replace(redis.url, `unix:${join(folder, "none")}`);
    const copied = await start(of, { ...full, url: away });
    print(`${runtime}, ${count} users, from the copy`, copied);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

async function fill(admin: FleetAdmin, port: number): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: WRITERS }, async () => {
    while (next < count) {
      const number = next++;
      await admin.put(userOf(port, `user ${number}`, number));
    }
  }));
}

function userOf(
  port: number,
  name: string,
  number: number,
): Parameters<FleetAdmin["put"]>[0] {
  return {
    ...{ service: `${port}`, name, disabled: false },
    password: seededBytes(32, number).toBase64(),
    limits: { quotaBytes: 50_000_000_000, maxHosts: 3 },
  };
}

interface Started {
  readonly readyMs: number;
  readonly processorMs: number;
  readonly residentMiB?: number;
  readonly addMs?: string;
}

async function start(
  { runtime, port }: { runtime: "deno" | "bun"; port: number },
  fleet: TestFleet,
  admin?: FleetAdmin,
): Promise<Started> {
  const api = await freePort();
  const store = join(folder, `${runtime}-${fleet.place.fleet}.db`);
  const began = performance.now();
  await using program = await Program.start([
    ...runtimeCommand(runtime, "src/main.ts"),
    ...["server", "-s", "127.0.0.1", "-p", `${port}`, "-m", METHOD],
    ...["-k", SERVER_KEY, "--fleet", fleet.url, "--fleet-key", keyFile],
    ...["--node", "one", "--store", store, "--admin", `127.0.0.1:${api}`],
  ], { ready: /operator's port on/, readyMs: 600_000 });
  const readyMs = Math.round(performance.now() - began);
  const processorMs = program.cpuMs();
  const adding: number[] = [];
  for (let i = 0; admin !== undefined && i < ADDED; i++) {
    const name = `${runtime} ${i}`;
    const beganMs = performance.now();
    await admin.put(
      userOf(port, name, count + i + (runtime === "bun" ? 1_000 : 0)),
    );
    const url = `http://127.0.0.1:${api}/api/servers/${port}/users/` +
      encodeURIComponent(name);
    while (!(await fetch(url)).ok);
    adding.push(performance.now() - beganMs);
  }
  await pause(REST_MS);
  const residentMiB = Math.round(program.rssBytes() / 2 ** 20);
  const added = adding.toSorted((a, b) => a - b)
    .map((ms) => Number(ms.toFixed(1)));
  return {
    ...{ readyMs, processorMs, residentMiB },
    ...added.length > 0 && {
      addMs: `${added[0]} best, ${added[ADDED >> 1]} median`,
    },
  };
}

function print(what: string, started: Started): void {
  process.stdout.write(`${what}: ${JSON.stringify(started)}\n`);
}
