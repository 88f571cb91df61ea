/**
 * New connections per second on a port with many users.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, Program } from "../support/process.ts";
import { load, output, startTarget } from "./measure.ts";
import { runtimeCommand } from "./systems.ts";

/**
 * The measured scenes; each round measures all, so that they can be compared.
 */
export const USER_SCENES: readonly Scene[] = [
  ...[1, 1_000].map((users) => scene("2022-blake3-aes-128-gcm", users, [0.5])),
  ...[1, 10, 100, 250].map((users) => scene("aes-128-gcm", users, [0.5])),
  // The key that last matched an address is tried first; here it fails every
  // other time.
  ...[10, 100, 250].map((users) => scene("aes-128-gcm", users, [0, 1])),
];

interface Scene {
  /** The name of its row. */
  readonly name: string;
  readonly method: string;
  readonly users: number;
  /** The connecting users: positions in the list of users, from 0 to 1. */
  readonly active: readonly number[];
}

/** Concurrent clients. */
const CONNECTIONS = 32;

/** Number of sessions whose processor time is measured. */
const SESSIONS = 2_000;

/** New connections a second, and the cost of each for the server. */
export interface Rate {
  readonly perSecond: number;
  /** Processor time of the server for one connection, in milliseconds. */
  readonly cpuMs: number;
}

/** Starts a server and a local for each active user, and measures. */
export async function rateAmongUsers(
  runtime: "deno" | "bun",
  { method, users, active }: Scene,
  seconds: number,
): Promise<Rate> {
  const folder = mkdtempSync(join(tmpdir(), "umbra-bench-users-"));
  const program = runtimeCommand(runtime, "src/main.ts");
  const port = await freePort();
  const identity = keyOf(method, "server");
  const names = Array.from({ length: users }, (_, i) => `user-${i}`);
  const config = join(folder, "config.json");
  writeFileSync(
    config,
    JSON.stringify({
      server: "127.0.0.1",
      server_port: port,
      method,
      ...method.startsWith("2022") && { password: identity },
      users: names.map((name) => ({ name, password: keyOf(method, name) })),
    }),
  );
  const started: AsyncDisposable[] = [];
  try {
    const target = await startTarget();
    started.push(target);
    const server = await Program.start(
      [...program, "server", "-c", config, "--allow-private", "all"],
      { ready: /listening on/ },
    );
    started.push(server);
    const locals: number[] = [];
    for (const place of active) {
      const own = keyOf(method, names[Math.floor(place * (users - 1))]!);
      const localPort = await freePort();
      const password = method.startsWith("2022") ? `${identity}:${own}` : own;
      started.push(
        await Program.start([
          ...[...program, "local", "-s", `127.0.0.1:${port}`],
          ...["-l", String(localPort), "-m", method, "-k", password],
        ], { ready: /listening on/ }),
      );
      locals.push(localPort);
    }
    const run = (kind: string, connections: number): Promise<number[]> =>
      Promise.all(locals.map(async (localPort) => {
        const ports = { localPort, targetPort: target.port };
        const each = connections / locals.length;
        const text = await output(load(ports, kind, each, seconds));
        return JSON.parse(text).value;
      }));
    const rates = await run("rate", CONNECTIONS);
    const before = server.cpuMs();
    await run("sessions", SESSIONS);
    return {
      perSecond: rates.reduce((sum, rate) => sum + rate),
      cpuMs: (server.cpuMs() - before) / SESSIONS,
    };
  } finally {
    for (const one of started.reverse()) await one[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  }
}

function scene(
  method: string,
  users: number,
  active: readonly number[],
): Scene {
  const some = users === 1 ? "1 user" : `${users} users`;
  const who = active.length === 1 ? "" : ", two of them at one address";
  return { name: `${method}, ${some}${who}`, method, users, active };
}

/**
 * Returns the password, or the base64 key of a method with 16 bytes, of a user.
 */
function keyOf(method: string, name: string): string {
  const bytes = createHash("sha256").update(`${method} ${name}`).digest();
  return Buffer.from(bytes.subarray(0, 16)).toString("base64");
}
