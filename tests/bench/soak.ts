/**
 * Many short sessions and UDP associations, with samples of memory and
 * descriptors.
 *
 * Usage: `deno run -A tests/bench/soak.ts [--runtime bun|deno] [--transport
 * runtime|linux] [--sessions N] [--associations N]`; default: both runtimes,
 * 100,000 and 10,000. Fails if the last quarter of a curve exceeds the second
 * quarter, if a session is stuck, or if an answer is missing.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { freePort, Program } from "../support/process.ts";
import { bunPath, ROOT } from "../support/runtimes.ts";
import { Running, umbra } from "./systems.ts";

const { values } = parseArgs({
  options: {
    runtime: { type: "string" },
    transport: { type: "string", default: "runtime" },
    sessions: { type: "string", default: "100000" },
    associations: { type: "string", default: "10000" },
  },
});

const SAMPLE_MS = 2_000;

/**
 * Share by which the last quarter may exceed the second: the noise of a heap.
 */
const TOLERANCE = 0.1;

/** Number of descriptors by which the last quarter may exceed the second. */
const DESCRIPTORS = 64;

const runtimes = (["bun", "deno"] as const)
  .filter((one) => values.runtime === undefined || values.runtime === one);
let good = true;
for (const runtime of runtimes) good = await soak(runtime) && good;
process.exitCode = good ? 0 : 1;

async function soak(runtime: "bun" | "deno"): Promise<boolean> {
  await using target = await Program.start(
    [bunPath(), "--no-install", join(ROOT, "tests/bench/target.ts")],
    { ready: /^\d+/ },
  );
  const [serverPort, localPort] = [await freePort(), await freePort()];
  const targetPort = target.output.trim();
  const { transport } = values;
  await using running = await Running.start(umbra(runtime, { transport }), {
    method: "aes-256-gcm",
    front: "socks",
    udp: true,
    serverPort,
    localPort,
    targetPort: Number(targetPort),
  });
  const sessions = await watch(running, `${runtime}, sessions`, [
    ...["load.ts", String(localPort), targetPort, "sessions"],
    ...[values.sessions, "0"],
  ]);
  const associations = await watch(running, `${runtime}, associations`, [
    ...["associations.ts", String(localPort), values.associations],
  ]);
  return sessions && associations;
}

/** Runs a load, and takes samples until it ends. */
async function watch(
  running: Running,
  name: string,
  [program, ...args]: string[],
): Promise<boolean> {
  const load = spawn(bunPath(), [
    ...["--no-install", join(ROOT, "tests/bench", program!), ...args],
  ], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  load.stdout.on("data", (bytes) => output += bytes);
  let over = false;
  const ended = once(load, "close").then(() => over = true);
  const memory: number[] = [];
  const descriptors: number[] = [];
  while (!over) {
    await Promise.race([
      ended,
      new Promise((resolve) => setTimeout(resolve, SAMPLE_MS)),
    ]);
    const { server, local } = running;
    memory.push((server.rssBytes() + local.rssBytes()) / 2 ** 20);
    descriptors.push(server.descriptors() + local.descriptors());
  }
  const result = JSON.parse(output);
  const missing = result.value - result.answered + (result.stuck ?? 0);
  process.stdout.write(
    `${name}, ${values.transport}: ${output.trim()}\n` +
      `  MiB of both ends every ${SAMPLE_MS / 1_000} s: ` +
      `${memory.map(Math.round).join(" ")}\n` +
      `  quarters: ${quarters(memory)} MiB, ${quarters(descriptors)} ` +
      "descriptors\n",
  );
  return missing === 0 && isFlat(memory, (mean) => mean * TOLERANCE) &&
    isFlat(descriptors, () => DESCRIPTORS);
}

function means(curve: readonly number[]): number[] {
  const length = Math.max(1, Math.floor(curve.length / 4));
  return [0, 1, 2, 3].map((i) => {
    const part = curve.slice(i * length, (i + 1) * length);
    return part.reduce((a, b) => a + b, 0) / Math.max(1, part.length);
  });
}

function quarters(curve: readonly number[]): string {
  return means(curve).map(Math.round).join(" ");
}

function isFlat(
  curve: readonly number[],
  more: (mean: number) => number,
): boolean {
  const [, second, , last] = means(curve);
  return last! <= second! + more(second!);
}
