/**
 * The time that a fleet adds to the first byte of a connection: two equal
 * servers, one of them in a fleet, get connections in turn, one after the
 * other. `deno run -A tests/bench/fleet_latency.ts [ROUNDS] [RUNTIME] [MODE]`
 *
 * Two processes of one program differ by themselves. MODE `control` puts neither
 * server into a fleet, and `swapped` starts the one in the fleet first: what a
 * fleet adds is seen in both orders and not in the control. The processor time
 * of each server, per connection and per second without connections, depends
 * less on other processes than the times do.
 *
 * A repeat visit is one of a user who already has a seat and a lease on the
 * server, because another connection is open. Without that connection the seat
 * is released after each visit, and every visit is a first visit.
 *
 * @module
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { administer, FLEET_KEY, RedisServer } from "../support/redis_server.ts";
import { freePort, Program } from "../support/process.ts";
import { pause } from "../support/within.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect, type TcpStream } from "../support/tcp.ts";
import { runtimeCommand } from "./systems.ts";

const METHOD = "2022-blake3-aes-256-gcm";
const SERVER_KEY = new Uint8Array(32).fill(1).toBase64();
const USER_KEY = new Uint8Array(32).fill(2).toBase64();
const LIMITS = { quotaBytes: 1e12, maxHosts: 3 };

const [, , roundsGiven = "1000", runtimeGiven, mode = "fleet"] = process.argv;
const rounds = Number(roundsGiven);

/** Milliseconds of a measurement without connections. */
const IDLE_MS = 10_000;

const names = ["alone", "shared"] as const;
type Name = typeof names[number];

const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-latency-"));
try {
  for (const runtime of ["deno", "bun"] as const) {
    if (runtime === (runtimeGiven ?? runtime)) await measure(runtime);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(runtime: "deno" | "bun"): Promise<void> {
  await using redis = await RedisServer.start();
  await using target = await Target.start();
  const fleet = await redis.fleet();
  const keyFile = join(folder, "fleet.key");
  writeFileSync(keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });
  const ports = { alone: await freePort(), shared: await freePort() };
  using admin = await administer(fleet);
  await admin.put({
    service: String(ports.shared),
    name: "user",
    password: USER_KEY,
    limits: LIMITS,
    disabled: false,
  });
  const own = {
    users: [{
      name: "user",
      password: USER_KEY,
      "quota_bytes": LIMITS.quotaBytes,
      "max_hosts": LIMITS.maxHosts,
    }],
  };
  const settings = {
    alone: own,
    shared: mode === "control"
      ? own
      : { fleet: fleet.url, "fleet_key": keyFile, node: "one" },
  };
  await using owned = new AsyncDisposableStack();
  const ends = {} as Record<Name, Ends>;
  for (const name of mode === "swapped" ? names.toReversed() : names) {
    const port = ports[name];
    ends[name] = {
      server: owned.use(await startServer(runtime, port, settings[name])),
      local: owned.use(await startLocal(runtime, port)),
    };
  }
  const what = `${runtime}, ${mode}`;
  await compare(`${what}, first visits`, ends, target);
  const held = await Promise.all(
    names.map((name) => hold(ends[name].local.address, target)),
  );
  await compare(`${what}, repeat visits`, ends, target);
  for (const stream of held) stream.close();
  // Leases and seats are given back meanwhile.
  await pause(2 * IDLE_MS);
  const beganMs = names.map((name) => ends[name].server.cpuMs());
  await pause(IDLE_MS);
  const idle = names.map((name, at) => {
    const ms = ends[name].server.cpuMs() - beganMs[at]!;
    return `${name} ${(ms / (IDLE_MS / 1_000)).toFixed(1)}`;
  });
  process.stdout.write(`${what}, idle, ms a second: ${idle.join(", ")}\n`);
}

/** A server and its local. */
interface Ends {
  readonly server: Program;
  readonly local: { readonly address: Address };
}

async function compare(
  what: string,
  ends: Readonly<Record<Name, Ends>>,
  target: Target,
): Promise<void> {
  const times = { alone: [] as number[], shared: [] as number[] };
  const cpuMs = { alone: 0, shared: 0 };
  // The first quarter warms up the compilers of the runtimes.
  for (let i = -Math.ceil(rounds / 4); i < rounds; i++) {
    if (i === 0) {
      for (const name of names) cpuMs[name] = -ends[name].server.cpuMs();
    }
    for (const name of i % 2 === 0 ? names : names.toReversed()) {
      const ms = await firstByte(ends[name].local.address, target);
      if (i >= 0) times[name].push(ms);
    }
  }
  for (const name of names) cpuMs[name] += ends[name].server.cpuMs();
  const ratio = (part: number): string =>
    (quantile(times.shared, part) / quantile(times.alone, part)).toFixed(3);
  const told = {
    aloneMs: quantile(times.alone, 0.5).toFixed(3),
    sharedMs: quantile(times.shared, 0.5).toFixed(3),
    ratio: ratio(0.5),
    ratioOfQuartiles: ratio(0.25),
    processorUsOfServers: names.map((name) =>
      Math.round(1_000 * cpuMs[name] / rounds)
    ),
  };
  process.stdout.write(`${what}: ${JSON.stringify(told)}\n`);
}

/** A connection that stays open. */
async function hold(local: Address, target: Target): Promise<TcpStream> {
  const stream = await socksConnect(local, target.address);
  await stream.write(command("echo"));
  return stream;
}

function startServer(
  runtime: "deno" | "bun",
  port: number,
  more: object,
): Promise<Program> {
  const file = join(folder, `${port}.json`);
  const configuration = {
    server: "127.0.0.1",
    "server_port": port,
    method: METHOD,
    password: SERVER_KEY,
    ...more,
  };
  writeFileSync(file, JSON.stringify(configuration), { mode: 0o600 });
  return Program.start([
    ...runtimeCommand(runtime, "src/main.ts"),
    ...["server", "-c", file, "--allow-private", "all"],
  ], { ready: /ss-server listening on/ });
}

async function startLocal(
  runtime: "deno" | "bun",
  serverPort: number,
): Promise<{ address: Address } & AsyncDisposable> {
  const port = await freePort();
  const program = await Program.start([
    ...runtimeCommand(runtime, "src/main.ts"),
    ...["local", "-s", `127.0.0.1:${serverPort}`, "-l", String(port)],
    ...["-m", METHOD, "-k", `${SERVER_KEY}:${USER_KEY}`],
  ], { ready: /listening on/ });
  return {
    address: { host: "127.0.0.1", port },
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

/**
 * @returns Milliseconds from the connect of the application to its first byte.
 */
async function firstByte(local: Address, target: Target): Promise<number> {
  const began = performance.now();
  const stream = await socksConnect(local, target.address);
  try {
    await stream.write(command("down 1"));
    await stream.read();
    return performance.now() - began;
  } finally {
    stream.close();
  }
}

function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(part * (sorted.length - 1))]!;
}
