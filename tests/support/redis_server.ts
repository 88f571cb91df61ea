/**
 * A redis-server for a test, on a unix socket, and fleets on it.
 *
 * @module
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type FleetPlace,
  parseFleetUrl,
} from "../../src/adapters/fleet/engine_url.ts";
import {
  type FleetAdmin,
  foundFleet,
  openFleetAdmin,
} from "../../src/adapters/fleet/fleet_admin.ts";
import { FleetKeys } from "../../src/adapters/fleet/fleet_keys.ts";
import { findProgram } from "../e2e/clients.ts";
import { seededBytes } from "./bytes.ts";
import { Program, runToEnd } from "./process.ts";
import { until } from "./within.ts";

/** The reason why redis-server is not available; false if it is. */
export const REDIS_SKIP: string | false =
  findProgram(["redis-server"]) === undefined &&
  "redis-server not found: apt-get install -y redis-server";

/** A fleet key for tests. */
export const FLEET_KEY: Uint8Array = seededBytes(32, 16);

/** A fleet that was created on a server. */
export interface TestFleet {
  /** The value of the option. */
  readonly url: string;
  readonly place: FleetPlace;
  readonly keys: FleetKeys;
}

/** A server without a disk. */
export class RedisServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #flags: readonly string[];
  readonly #under: readonly string[];
  #program: Program | undefined;
  #fleets = 0;

  private constructor(flags: readonly string[], under: readonly string[]) {
    this.#folder = mkdtempSync(join(tmpdir(), "umbra-redis-"));
    this.#flags = flags;
    this.#under = under;
  }

  /** @param under Words before the command of the server. */
  static async start(
    flags: readonly string[] = [],
    under: readonly string[] = [],
  ): Promise<RedisServer> {
    const server = new RedisServer(flags, under);
    await server.startAgain();
    return server;
  }

  /** The URL of the server. */
  get url(): string {
    return `unix:${join(this.#folder, "redis.sock")}`;
  }

  get program(): Program {
    return this.#program!;
  }

  /** Starts the server again, with the data on its disk. */
  async startAgain(): Promise<void> {
    this.#program = await Program.start([
      ...[...this.#under, "redis-server"],
      ...["--port", "0", "--unixsocket", join(this.#folder, "redis.sock")],
      ...["--dir", this.#folder, "--save", ""],
      ...this.#flags,
    ], { ready: /eady to accept connections/ });
  }

  /** Runs one command of its own client. */
  async command(...words: string[]): Promise<string> {
    const client = await Program.start([
      "redis-cli",
      ...["-s", join(this.#folder, "redis.sock"), ...words],
    ]);
    await client.exited;
    return client.output.trim();
  }

  /** Creates a fleet. */
  async fleet(): Promise<TestFleet> {
    const url = `${this.url}?fleet=test${++this.#fleets}`;
    const place = parseFleetUrl(url)!;
    const keys = new FleetKeys([FLEET_KEY]);
    await foundFleet({ ...place, keys });
    return { url, place, keys };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.program.signal("SIGCONT");
    await this.program.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/**
 * Waits until a replica has everything that its primary has now. `WAIT` of
 * another client would only wait for that client's own changes.
 */
export async function waitForReplica(
  primary: number,
  replica: number,
): Promise<void> {
  const info = async (port: number): Promise<string> =>
    (await runToEnd(
      ["redis-cli", "-p", `${port}`, "INFO", "replication"],
      5_000,
    )).output;
  const offset = (text: string, name: string): number =>
    Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)?.[1] ?? NaN);
  const wanted = offset(await info(primary), "master_repl_offset");
  await until(10_000, "the replica has a copy", async () => {
    const text = await info(replica);
    return text.includes("master_link_status:up") &&
      offset(text, "slave_repl_offset") >= wanted;
  });
}

/** Opens a fleet for changes. */
export function administer({ place, keys }: TestFleet): Promise<FleetAdmin> {
  return openFleetAdmin({ ...place, keys });
}
