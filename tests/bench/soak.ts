/**
 * Many short sessions, one after the other, and what memory does meanwhile.
 *
 * Usage: `deno run -A tests/bench/soak.ts [SESSIONS]`, 100,000 by default, for
 * each runtime. Fails when the second half of the curve still climbs.
 *
 * @module
 */
import { spawn } from "node:child_process";
import { join } from "node:path";
import process from "node:process";
import { freePort, Program } from "../support/process.ts";
import { bunPath, ROOT } from "../support/runtimes.ts";
import { Running, umbra } from "./systems.ts";

const SESSIONS = Number(process.argv[2] ?? 100_000);
const SAMPLE_MS = 2_000;

/** Part by which the last quarter may exceed the second: noise of a heap. */
const TOLERANCE = 0.1;

const flat = [await soak("bun"), await soak("deno")];
process.exitCode = flat.every(Boolean) ? 0 : 1;

async function soak(runtime: "bun" | "deno"): Promise<boolean> {
  await using target = await Program.start(
    [bunPath(), "--no-install", join(ROOT, "tests/bench/target.ts")],
    { ready: /^\d+/ },
  );
  const [serverPort, localPort] = [await freePort(), await freePort()];
  await using running = await Running.start(umbra(runtime), {
    method: "aes-256-gcm",
    front: "socks",
    serverPort,
    localPort,
    targetPort: Number(target.output.trim()),
  });
  const load = spawn(bunPath(), [
    ...["--no-install", join(ROOT, "tests/bench/load.ts")],
    ...[String(localPort), target.output.trim(), "sessions", String(SESSIONS)],
    "0",
  ], { stdio: ["ignore", "pipe", "inherit"] });
  const ended = new Promise<void>((resolve) =>
    load.once("close", () => resolve())
  );
  let over = false;
  ended.then(() => over = true);
  const curve: number[] = [];
  while (!over) {
    await new Promise((resolve) => setTimeout(resolve, SAMPLE_MS));
    const bytes = running.server.rssBytes() + running.local.rssBytes();
    curve.push(bytes / 2 ** 20);
  }
  const quarter = Math.floor(curve.length / 4);
  const mean = (from: number): number =>
    curve.slice(from, from + quarter).reduce((a, b) => a + b, 0) / quarter;
  const [second, last] = [mean(quarter), mean(curve.length - quarter)];
  process.stdout.write(
    `${runtime}: ${SESSIONS} sessions, MiB of both ends every ` +
      `${SAMPLE_MS / 1_000} s: ${curve.map(Math.round).join(" ")}\n` +
      `${runtime}: second quarter ${second.toFixed(0)} MiB, ` +
      `last ${last.toFixed(0)} MiB, descriptors ` +
      `${running.server.descriptors()} and ${running.local.descriptors()}\n`,
  );
  return last <= second * (1 + TOLERANCE);
}
