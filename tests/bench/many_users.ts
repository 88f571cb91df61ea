/**
 * The cost of many users for a server: time until it is ready, memory, time to
 * add a user, and time to read the status. `deno run -A
 * tests/bench/many_users.ts [USERS] [--store]`
 *
 * @module
 */
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort, Program } from "../support/process.ts";
import { pause } from "../support/within.ts";
import { runtimeCommand } from "./systems.ts";

const METHOD = "2022-blake3-aes-256-gcm";

/** Milliseconds until garbage has been returned. */
const REST_MS = 20_000;

const folder = mkdtempSync(join(tmpdir(), "umbra-many-users-"));
const count = Number(process.argv[2] ?? 100_000);
try {
  for (const runtime of ["deno", "bun"] as const) {
    await measure(runtime, 0);
    await measure(runtime, count);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function measure(runtime: "deno" | "bun", users: number): Promise<void> {
  const port = await freePort();
  const admin = await freePort();
  const file = join(folder, "server.json");
  writeFileSync(file, JSON.stringify(configuration(port, users), null, 1));
  const store = process.argv.includes("--store")
    ? ["--store", join(folder, `${runtime}-${users}.db`)]
    : [];
  const began = performance.now();
  await using program = await Program.start([
    ...runtimeCommand(runtime, "src/main.ts"),
    ...["server", "-c", file, "--admin", `127.0.0.1:${admin}`, ...store],
  ], { ready: /operator's port/, readyMs: 600_000 });
  const readyMs = performance.now() - began;
  const processorMs = program.cpuMs();
  const root = `http://127.0.0.1:${admin}/api`;
  const adding: number[] = [];
  const looking: number[] = [];
  for (let i = 0; users > 0 && i < 40; i++) {
    const body = JSON.stringify({ name: `new-${i}` });
    const headers = { "content-type": "application/json" };
    const where = `${root}/servers/${port}/users`;
    adding.push(await timed(where, { method: "POST", headers, body }));
    looking.push(await timed(`${root}/status`));
  }
  await pause(REST_MS);
  const told = {
    readyMs: Math.round(readyMs),
    processorMs,
    residentMiB: Math.round(program.rssBytes() / 2 ** 20),
    addMs: median(adding),
    statusMs: median(looking),
  };
  process.stdout.write(`${runtime}, ${users} users: ${JSON.stringify(told)}\n`);
}

function configuration(port: number, users: number): unknown {
  return {
    server: "127.0.0.1",
    server_port: port,
    method: METHOD,
    password: keyOf("server"),
    ...users > 0 && {
      users: Array.from({ length: users }, (_, i) => ({
        name: `user-${i}`,
        password: keyOf(`user ${i}`),
      })),
    },
  };
}

function keyOf(text: string): string {
  return createHash("sha256").update(text).digest("base64");
}

async function timed(url: string, init?: RequestInit): Promise<number> {
  const began = performance.now();
  const response = await fetch(url, init);
  await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return performance.now() - began;
}

function median(values: readonly number[]): number | undefined {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}
