/**
 * One measurement at a time, with the tools of others where there are any.
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

/** Numbers of one run, by the name of their row. */
export type Values = Readonly<Record<string, number>>;

/** Throughput in MiB/s, and processor seconds of both ends per GiB. */
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
  // The second iperf3 leaves out of its sum is one we have paid for.
  const gibibytes = speed * (seconds + 1) / 1_024;
  return { speed, cpu: spent / gibibytes };
}

/** New connections per second: one HTTP request each, 32 at a time. */
export async function connectionRate(
  system: System,
  method: string,
  seconds: number,
): Promise<number> {
  const targetPort = await freePort();
  await using _web = await startNginx(targetPort);
  const setup = await newSetup(method, "tunnel", targetPort);
  await using _running = await Running.start(system, setup);
  const text = await output([
    ...["wrk", "-t", "1", "-c", "32", "-d", `${seconds}s`],
    ...["-H", "Connection: close", `http://127.0.0.1:${setup.localPort}/`],
  ]);
  const rate = /Requests\/sec: +([\d.]+)/.exec(text)?.[1];
  if (rate === undefined) throw new Error(`wrk said:\n${text}`);
  return Number(rate);
}

/** Median of 200 times from connecting to the first byte back, in ms. */
export async function firstByte(
  system: System,
  method: string,
): Promise<number> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using _running = await Running.start(system, setup);
  return JSON.parse(await output(load(setup, "first", 200, 0))).value;
}

/** Resident memory: at start, per held connection, and after a load, in KiB. */
export async function memory(
  system: System,
  method: string,
  held: number,
): Promise<Values> {
  await using target = await startTarget();
  const setup = await newSetup(method, "socks", target.port);
  await using running = await Running.start(system, setup);
  await pause(3_000);
  const start = residentKib(running);
  const holding = await Program.start(load(setup, "hold", held, 60), {
    ready: /connections/,
    readyMs: 60_000,
  });
  await pause(3_000);
  const full = residentKib(running);
  await holding.stop();
  await pause(2_000);
  const after: number[] = [];
  for (let round = 0; round < 3; round++) {
    await output(load(setup, "down", 64, 2));
    await pause(2_000);
    after.push(residentKib(running).reduce((a, b) => a + b));
  }
  return {
    "memory at start, both ends, MiB": start.reduce((a, b) => a + b) / 1_024,
    "memory per idle connection, server, KiB": (full[0]! - start[0]!) / held,
    "memory per idle connection, local, KiB": (full[1]! - start[1]!) / held,
    "memory after a load, both ends, MiB": after[0]! / 1_024,
    "memory after the third such load, both ends, MiB": after[2]! / 1_024,
  };
}

async function newSetup(
  method: string,
  front: Setup["front"],
  targetPort: number,
): Promise<Setup> {
  const [serverPort, localPort] = [await freePort(), await freePort()];
  return { method, front, serverPort, localPort, targetPort };
}

/** The command line of the near end. */
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

/** The far end of {@link load}. */
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

/** What a command prints until its end. @throws When it fails or takes a minute. */
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

/** Processor time of both ends so far, in seconds. */
function cpuSeconds({ server, local }: Running): number {
  return (server.cpuMs() + local.cpuMs()) / 1_000;
}

/** Resident memory of server and local. */
function residentKib({ server, local }: Running): number[] {
  return [server.rssBytes() / 1_024, local.rssBytes() / 1_024];
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Names of the tools that are missing. */
export function missingTools(): string[] {
  return ["iperf3", "wrk", "nginx", "ss-server", "ss-tunnel"].filter((name) =>
    spawnSync("sh", ["-c", `command -v ${name}`]).status !== 0
  );
}

/** One line about this machine. */
export function machine(): string {
  const cpu = /model name\s*: (.*)/.exec(readFileSync("/proc/cpuinfo", "utf8"))
    ?.[1] ?? process.arch;
  const count = readFileSync("/proc/cpuinfo", "utf8")
    .match(/^processor/gm)?.length;
  const kernel = readFileSync("/proc/sys/kernel/osrelease", "utf8").trim();
  return `${count} × ${cpu}, Linux ${kernel}`;
}
