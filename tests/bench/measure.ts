/**
 * Single measurements, with the tools of other projects where possible.
 *
 * @module
 */
import { spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { freePort, Program } from "../support/process.ts";
import { bunPath, ROOT } from "../support/runtimes.ts";
import { Running, type Setup, type System } from "./systems.ts";

/** Results of one run, by the name of their row. */
export type Values = Readonly<Record<string, number>>;

/** Measures throughput in MiB/s, and processor seconds of both ends per GiB. */
export async function throughput(
  system: System,
  method: string,
  { connections, down, seconds }: {
    connections: number;
    down: boolean;
    seconds: number;
  },
): Promise<{ speed: number; cpu: number }> {
  const targetPort = await freePort();
  await using _sink = await Program.start(
    [
      "iperf3",
      "-s",
      "--forceflush",
      "-B",
      "127.0.0.1",
      "-p",
      String(targetPort),
    ],
    { ready: /listening/ },
  );
  const setup = await newSetup(method, "tunnel", targetPort);
  await using running = await Running.start(system, setup);
  const before = cpuSeconds(running);
  const report = JSON.parse(
    await output([
      ...["iperf3", "-J", "-c", "127.0.0.1", "-p", String(setup.localPort)],
      ...["-t", String(seconds), "-O", "1", "-P", String(connections)],
      ...(down ? ["-R"] : []),
    ]),
  );
  const { bits_per_second: bits } = report.end.sum_received;
  const speed = bits / 8 / 2 ** 20;
  const spent = cpuSeconds(running) - before;
  // iperf3 leaves one second out of its sum that both ends have worked for.
  const gibibytes = speed * (seconds + 1) / 1_024;
  return { speed, cpu: spent / gibibytes };
}

/** The results for new connections. */
export interface Connections {
  readonly perSecond: number;
  /** Processor time of both ends for each connection, in microseconds. */
  readonly cpuUs: number;
}

/**
 * Measures new connections with one HTTP request each, 32 at a time, through a
 * tunnel.
 */
export async function tunnelConnections(
  system: System,
  method: string,
  seconds: number,
): Promise<Connections> {
  const targetPort = await freePort();
  await using _web = await startNginx(targetPort);
  const setup = await newSetup(method, "tunnel", targetPort);
  await using running = await Running.start(system, setup);
  const run = (duration: number): Promise<string> =>
    output([
      ...["wrk", "-t", "1", "-c", "32", "-d", `${duration}s`],
      ...["-H", "Connection: close", `http://127.0.0.1:${setup.localPort}/`],
    ]);
  for (let warm = 0; warm < WARM_UP_CONNECTIONS;) {
    warm += readWrk(await run(WARM_UP_SECONDS)).count;
  }
  const before = cpuSeconds(running);
  const { perSecond, count } = readWrk(await run(seconds));
  return { perSecond, cpuUs: (cpuSeconds(running) - before) * 1e6 / count };
}

/** @throws {Error} With the output, when no request was answered. */
function readWrk(text: string): { perSecond: number; count: number } {
  const perSecond = Number(/Requests\/sec: +([\d.]+)/.exec(text)?.[1]);
  const count = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(perSecond > 0 && count > 0)) throw new Error(`wrk said:\n${text}`);
  return { perSecond, count };
}

/** Measures the same with one byte each, by SOCKS5. */
export async function socksConnections(
  system: System,
  method: string,
  seconds: number,
): Promise<Connections> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using running = await Running.start(system, setup);
  await output(load(setup, "sessions", WARM_UP_CONNECTIONS, 0));
  const before = cpuSeconds(running);
  const { value, all } = JSON.parse(
    await output(load(setup, "rate", 32, seconds)),
  );
  return {
    perSecond: value,
    cpuUs: (cpuSeconds(running) - before) * 1e6 / all,
  };
}

/** Measures one client, one connection after the other. */
export async function oneAtATime(
  system: System,
  method: string,
  seconds: number,
): Promise<{ firstByteMs: number; perSecond: number }> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using _running = await Running.start(system, setup);
  await output(load(setup, "sessions", WARM_UP_CONNECTIONS, 0));
  const { value, perSecond } = JSON.parse(
    await output(load(setup, "first", 1, seconds)),
  );
  return { firstByteMs: value, perSecond };
}

/** Measures throughput by SOCKS5 in MiB/s; some systems have no tunnel. */
export async function socksThroughput(
  system: System,
  method: string,
  { connections, down, seconds }: {
    connections: number;
    down: boolean;
    seconds: number;
  },
): Promise<number> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using _running = await Running.start(system, setup);
  const kind = down ? "down" : "up";
  return JSON.parse(await output(load(setup, kind, connections, seconds)))
    .value;
}

/** Datagrams a second of the measurements at a rate. */
const DOWN_RATE = 10_000;
const ECHO_RATE = 8_000;

/** Measures UDP: echoes, and the share that arrives at a rate. */
export async function datagrams(
  system: System,
  method: string,
  seconds: number,
): Promise<Values> {
  const setup = { ...await newSetup(method, "socks", 0), udp: true };
  await using running = await Running.start(system, setup);
  const run = async (
    kind: string,
    rate: number,
  ): Promise<{ value: number; lostHere: number }> => {
    const file = join(ROOT, "tests/bench/datagrams.ts");
    const result = JSON.parse(
      await output([
        ...[bunPath(), "--no-install", file, String(setup.localPort), kind],
        ...[String(rate), String(seconds)],
      ]),
    );
    if (result.lostHere === 0) return result;
    throw new Error(`The load itself has lost ${result.lostHere} datagrams`);
  };
  await run("echo", 0);
  const before = cpuSeconds(running);
  const echo = await run("echo", 0);
  const spent = cpuSeconds(running) - before;
  const down = await run("down", DOWN_RATE);
  const both = await run("both", ECHO_RATE);
  return {
    "UDP echoes|1/s": echo.value,
    // The excluded first second is about as fast.
    "UDP echoes, CPU|µs": spent * 1e6 /
      (echo.value * (seconds + WARM_UP_SECONDS)),
    "UDP at 10,000/s down|% delivered": down.value,
    "UDP at 8,000/s both ways|% delivered": both.value,
  };
}

/**
 * Measures resident memory at the start, for each held connection and after
 * loads, and new connections with none and with many connections held.
 */
export async function memory(
  system: System,
  method: string,
  held: number,
  seconds: number,
): Promise<Values> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using running = await Running.start(system, setup);
  const rate = async (): Promise<number> =>
    JSON.parse(await output(load(setup, "rate", 32, seconds))).value;
  await pause(2_000);
  const start = residentKib(running);
  const holding = await Program.start(load(setup, "hold", held, 60), {
    ready: /connections/,
    readyMs: 60_000,
  });
  await pause(2_000);
  const full = residentKib(running);
  // Both measurements are the second ones, after a warm-up.
  await rate();
  const beside = await rate();
  await holding.stop();
  await pause(2_000);
  await rate();
  const alone = await rate();
  if (alone === 0) throw new Error("No connection was served");
  const after: number[] = [];
  for (let round = 0; round < 3; round++) {
    await output(load(setup, "down", 64, 2));
    await pause(2_000);
    after.push(residentKib(running).reduce((a, b) => a + b));
  }
  return {
    "memory at start, both ends|MiB": start.reduce((a, b) => a + b) / 1_024,
    "memory per idle connection, server|KiB": (full[0]! - start[0]!) / held,
    "memory per idle connection, local|KiB": (full[1]! - start[1]!) / held,
    "memory after a load, both ends|MiB": after[0]! / 1_024,
    "memory after the third such load, both ends|MiB": after[2]! / 1_024,
    [`new connections beside ${held} held, by SOCKS5|1/s`]: beside,
    "the same, to those beside none|ratio": beside / alone,
  };
}

/**
 * Connections before new ones are counted. A proxy runs for weeks, and the
 * compilers of both runtimes work for the first 10,000 connections: they take a
 * fifth of the processor time of the first 4,000.
 */
const WARM_UP_CONNECTIONS = 10_000;

/** Seconds of a load that is not counted. */
const WARM_UP_SECONDS = 1;

async function newSetup(
  method: string,
  front: Setup["front"],
  targetPort: number,
): Promise<Setup> {
  const [serverPort, localPort] = [await freePort(), await freePort()];
  return { method, front, serverPort, localPort, targetPort };
}

/** Returns the command line of the client. */
export function load(
  setup: Pick<Setup, "localPort" | "targetPort">,
  kind: string,
  connections: number,
  seconds: number,
): string[] {
  return [
    ...[bunPath(), "--no-install", join(ROOT, "tests/bench/load.ts")],
    ...[setup.localPort, setup.targetPort, kind, connections, seconds].map(
      String,
    ),
  ];
}

/** Starts the target of {@link load}. */
export async function startTarget(): Promise<
  AsyncDisposable & { port: number }
> {
  const program = await Program.start(
    [bunPath(), "--no-install", join(ROOT, "tests/bench/target.ts")],
    { ready: /^\d+/ },
  );
  return {
    port: Number(program.output.trim()),
    [Symbol.asyncDispose]: () => program.stop().then(() => {}),
  };
}

async function startNginx(port: number): Promise<Program> {
  const folder = `/tmp/umbra-bench-nginx-${port}`;
  spawnSync("mkdir", ["-p", folder]);
  const config = join(folder, "nginx.conf");
  writeFileSync(
    config,
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log stderr;
     events { worker_connections 4096; }
     http { access_log off; client_body_temp_path ${folder};
       server { listen 127.0.0.1:${port}; return 200 "hello"; } }`,
  );
  const program = await Program.start([
    ...["nginx", "-p", folder, "-c", config],
  ]);
  await pause(500);
  return program;
}

/** Returns the output of a command. @throws If it fails or takes a minute. */
export function output(command: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command[0]!, command.slice(1), {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 60_000,
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (part: string) => text += part);
    }
    child.once("error", reject);
    child.once(
      "close",
      (code) =>
        code === 0 ? resolve(text) : reject(
          new Error(`${command.join(" ")} ended with ${code}:\n${text}`),
        ),
    );
  });
}

/** Returns the processor time of both ends in seconds. */
function cpuSeconds({ server, local }: Running): number {
  return (server.cpuMs() + local.cpuMs()) / 1_000;
}

/** Returns the resident memory of server and local. */
function residentKib({ server, local }: Running): number[] {
  return [server.rssBytes() / 1_024, local.rssBytes() / 1_024];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Returns the names of missing tools. */
export function missingTools(): string[] {
  return ["iperf3", "wrk", "nginx", "ss-server", "ss-tunnel"].filter((name) =>
    spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0
  );
}

/** Returns one line about this machine. */
export function machine(): string {
  const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))
    ?.[1] ?? process.arch;
  const count = readFileSync("/proc/cpuinfo", "utf8")
    .match(/^processor/gm)?.length;
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  return `${count} × ${cpu}, Linux ${kernel}`;
}
