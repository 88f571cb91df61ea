/**
 * Tests that forty users of shadowsocks-libev move to Umbra as docs/migrate.md
 * describes, while each has a download under way and connects repeatedly: no
 * client is changed, no connection is cut or refused, and every download is
 * complete.
 *
 * The file runs twice: first it creates two networks, then it starts itself in
 * that of the clients.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Namespace, NAMESPACES_SKIP } from "../support/namespaces.ts";
import { isAlive, Program, runToEnd, waitForPort } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip, report } from "../support/report.ts";
import { denoPath, ROOT } from "../support/runtimes.ts";
import { command, digestOf, patternDigest, Target } from "../support/target.ts";
import { type Address, socksConnect, type TcpStream } from "../support/tcp.ts";
import { pause, until, within } from "../support/within.ts";
import { LIBEV_SKIP, METHOD } from "./chain.ts";

/** The variable that contains the name of the server's network. */
const INSIDE = "UMBRA_TEST_SERVER_NETWORK";

const SERVER = "10.55.0.1";
const CLIENTS = "10.55.0.2";

/** The ports of the old server, one for each user. */
const PORTS = Array.from({ length: 40 }, (_, i) => 8_381 + i);

/** Difference between the ports of the new and the old server. */
const BESIDE = 20_000;

/**
 * Length of a download that is not read for a while; the buffers below cannot
 * hold it.
 */
const LENGTH = 3_000_000;

/** Sizes of a socket's buffer in bytes: minimum, default, maximum. */
const BUFFER = "4096 32768 65536";

/** Milliseconds between two connections of a user. */
const BETWEEN_MS = 150;

const server = process.env[INSIDE];
if (server === undefined) outside();
else inside(["ip", "netns", "exec", server]);

function outside(): void {
  const absent = spawnSync("ss", ["-V"]).error !== undefined;
  const skip = NAMESPACES_SKIP || LIBEV_SKIP || absent && "migrate: needs ss";
  if (absent) announceSkip("migrate: needs ss (apt-get install -y iproute2)");
  test("forty users move, and no connection is cut", { skip }, async () => {
    using here = new Namespace();
    using there = new Namespace();
    there.join(here, { name: "wan", ipv4: "10.55.0.", ipv6: "fd55::" });
    for (const network of [here, there]) {
      for (const key of ["tcp_rmem", "tcp_wmem"]) {
        spawnSync(network.under[0]!, [
          ...network.under.slice(1),
          ...["sysctl", "-qw", `net.ipv4.${key}=${BUFFER}`],
        ]);
      }
    }
    const { code, output } = await runToEnd(
      [
        ...here.under,
        ...[denoPath()!, "test", "-A", fileURLToPath(import.meta.url)],
      ],
      120_000,
      { env: { ...process.env, [INSIDE]: there.under.at(-1)! } },
    );
    assert.equal(code, 0, output);
    assert.match(output, /[1-9]\d* passed/);
    report(/\d+ connections of 40 users.*/.exec(output)![0]);
  });
}

function inside(there: readonly string[]): void {
  test("no connection is cut", async () => {
    const folder = mkdtempSync(join(tmpdir(), "umbra-migrate-"));
    await using owned = new AsyncDisposableStack();
    owned.defer(() => rmSync(folder, { recursive: true, force: true }));
    const target = owned.use(await Target.start(CLIENTS));
    const old = join(folder, "old.json");
    writeFileSync(old, JSON.stringify(oldConfig()));
    const oldServers = owned.use(await OldServers.start(there, old, folder));
    const locals = await Promise.all(
      PORTS.map(async (port) => owned.use(await startClient(port))),
    );
    const addresses = PORTS.map((port) => socksOf(port));

    const first = await Downloads.start(addresses, target.address);
    const visits = new Visits(addresses, target.address);
    owned.defer(() => visits.stop());
    await visits.round();

    // From here on the test follows the recipe.
    const umbra = programCommand("bun");
    const made = async (name: string, ...flags: string[]): Promise<string> => {
      const file = join(folder, name);
      const { code, output } = await runToEnd(
        ["sh", "-c", 'umask 077; file=$1; shift; "$@" > "$file"', "sh", file]
          .concat(umbra, "migrate", old, flags),
        20_000,
        { cwd: ROOT },
      );
      assert.equal(code, 0, output);
      return file;
    };
    const startUmbra = (
      file: string,
      lastPort: number,
      ...flags: string[]
    ): Promise<Program> =>
      Program.start(
        [...there, ...umbra, "server", "-c", file]
          .concat("--allow-private", CLIENTS, flags),
        { cwd: ROOT, ready: new RegExp(`listening on .*:${lastPort}\\b`) },
      );
    const lastPort = PORTS.at(-1)!;
    const besideFlags = ["--beside", String(BESIDE)];
    const config = await made("server.json");
    const besideConfig = await made("beside.json", ...besideFlags);
    const rules = await made("beside.nft", ...besideFlags, "--rules");

    const beside = owned.use(
      await startUmbra(
        besideConfig,
        lastPort + BESIDE,
        ...["--drain", "1", "--grace", "60"],
      ),
    );
    await nft(there, "-f", rules);
    await visits.round();
    const second = await Downloads.start(addresses, target.address);
    await first.finish();
    await until(
      20_000,
      "the old server has no connection left",
      async () => await connectionsOf(there, "ss-server") === 0,
    );
    await oldServers.end();
    const next = owned.use(await startUmbra(config, lastPort));
    await nft(there, "flush", "map", "inet", "umbra_beside", "ports");
    await visits.round();
    beside.signal("SIGTERM");
    await beside.waitForOutput(/SIGTERM/, 5_000);
    await visits.round();
    await second.finish();
    const exit = await within(
      20_000,
      () => beside.describe(),
      beside.exited,
    );
    assert.deepEqual(exit, { code: 0, signal: null }, beside.describe());
    await nft(there, "delete", "table", "inet", "umbra_beside");
    await visits.round();
    await visits.end();

    for (const { output } of [...locals, beside, next]) {
      assert.doesNotMatch(output, /ERROR|WARN(?!.*UDP)/);
    }
    process.stdout.write(
      `${visits.count} connections of 40 users, 80 downloads: none was cut\n`,
    );
  });
}

function oldConfig(): object {
  return {
    server: "0.0.0.0",
    ["port_password"]: Object.fromEntries(
      PORTS.map((port) => [port, passwordOf(port)]),
    ),
    method: METHOD,
    timeout: 300,
    mode: "tcp_only",
  };
}

function passwordOf(port: number): string {
  return `password of ${port}`;
}

/** Returns the address on which the client of a user listens. */
function socksOf(port: number): Address {
  return { host: "127.0.0.1", port: port + 10_000 };
}

async function startClient(port: number): Promise<Program> {
  const { host, port: local } = socksOf(port);
  const program = await Program.start([
    ...["ss-local", "-s", SERVER, "-p", String(port), "-k", passwordOf(port)],
    ...["-m", METHOD, "-b", host, "-l", String(local), "-t", "300"],
  ]);
  await waitForPort(local);
  return program;
}

/** ss-manager, and the servers that it starts as daemons. */
class OldServers implements AsyncDisposable {
  readonly #manager: Program;
  readonly #folder: string;

  private constructor(manager: Program, folder: string) {
    this.#manager = manager;
    this.#folder = folder;
  }

  static async start(
    there: readonly string[],
    config: string,
    folder: string,
  ): Promise<OldServers> {
    const work = join(folder, "work");
    mkdirSync(work);
    const manager = await Program.start([
      ...[...there, "ss-manager", "-c", config, "-D", work],
      ...["--manager-address", "127.0.0.1:6001"],
    ]);
    await using owned = new AsyncDisposableStack();
    const servers = owned.use(new OldServers(manager, work));
    await until(20_000, "every server listens", async () => {
      const { output } = await runToEnd([...there, "ss", "-Hltn"], 5_000);
      return PORTS.every((port) => output.includes(`:${port} `));
    });
    owned.move();
    return servers;
  }

  /** Stops them as `systemctl stop` does. */
  async end(): Promise<void> {
    const pids = this.#pids();
    await this.#manager.stop();
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, "SIGTERM");
    await until(5_000, "they have ended", () => !pids.some(isAlive));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.end();
  }

  #pids(): number[] {
    return readdirSync(this.#folder).filter((name) => name.endsWith(".pid"))
      .map((name) => Number(readFileSync(join(this.#folder, name), "utf8")));
  }
}

/** One download of each user, which starts and then pauses. */
class Downloads {
  readonly #streams: readonly TcpStream[];

  private constructor(streams: readonly TcpStream[]) {
    this.#streams = streams;
  }

  static async start(
    locals: readonly Address[],
    target: Address,
  ): Promise<Downloads> {
    return new Downloads(
      await Promise.all(locals.map(async (local) => {
        const stream = await socksConnect(local, target);
        await stream.write(command(`down ${LENGTH}`));
        stream.unread((await stream.read())!);
        return stream;
      })),
    );
  }

  /** Reads all downloads to their ends. */
  async finish(): Promise<void> {
    const whole = patternDigest(LENGTH);
    await Promise.all(this.#streams.map(async (stream) => {
      assert.ok(stream.received < LENGTH, "it was over before");
      const digest = await digestOf(stream);
      assert.equal(digest, whole, `${stream.received} bytes`);
      stream.end();
      stream.close();
    }));
  }
}

/** Repeated visits of the users: connect, send a text, and read the echo. */
class Visits {
  count = 0;
  #over = false;
  readonly #counts: number[];
  readonly #all: Promise<unknown>;

  constructor(locals: readonly Address[], target: Address) {
    this.#counts = locals.map(() => 0);
    this.#all = Promise.all(locals.map(async (local, user) => {
      while (!this.#over) {
        await visit(local, target);
        this.#counts[user]!++;
        this.count++;
        await pause(BETWEEN_MS);
      }
    }));
    this.#all.catch(() => {});
  }

  /** Waits until each user has started and ended another visit. */
  async round(): Promise<void> {
    const before = [...this.#counts];
    const done = until(
      20_000,
      "every user has connected twice",
      () => this.#counts.every((count, i) => count >= before[i]! + 2),
    );
    // An error of one visit fails the round at once.
    await Promise.race([done, this.#all.then(() => done)]);
  }

  /** Starts no further visits. */
  stop(): void {
    this.#over = true;
  }

  /** @throws The error of a visit. */
  async end(): Promise<void> {
    this.stop();
    await this.#all;
  }
}

async function visit(local: Address, target: Address): Promise<void> {
  using stream = await socksConnect(local, target);
  const line = command("echo");
  await stream.write(line);
  await stream.write(line);
  assert.deepEqual(await stream.readExactly(line.length), line);
  stream.end();
  assert.equal(await stream.read(), undefined);
}

async function nft(
  there: readonly string[],
  ...words: string[]
): Promise<void> {
  const { code, output } = await runToEnd([...there, "nft", ...words], 5_000);
  assert.equal(code, 0, output);
}

/** Returns the number of connections of the processes with a name. */
async function connectionsOf(
  there: readonly string[],
  name: string,
): Promise<number> {
  const { output } = await runToEnd(
    [...there, "ss", "-Htnp", "state", "established"],
    5_000,
  );
  return output.split("\n").filter((line) => line.includes(`"${name}"`)).length;
}
