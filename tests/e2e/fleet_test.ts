/**
 * Tests three servers of both runtimes with the same users in a real
 * redis-server: quotas, counts, devices, changes and replays, while the engine
 * works and while it does not.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Buffer } from "node:buffer";
import { type AddressInfo, connect, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { FleetAdmin } from "../../src/adapters/fleet/fleet_admin.ts";
import { TransportError } from "../../src/errors.ts";
import type { UserLimits } from "../../src/users.ts";
import { seededBytes } from "../support/bytes.ts";
import { freePort } from "../support/process.ts";
import {
  administer,
  FLEET_KEY,
  REDIS_SKIP,
  RedisServer,
  type TestFleet,
} from "../support/redis_server.ts";
import { announceSkip, report } from "../support/report.ts";
import { command, MIB, Target } from "../support/target.ts";
import { type Address, socksConnect, type TcpStream } from "../support/tcp.ts";
import { pause, until } from "../support/within.ts";
import {
  type End,
  type Implementation,
  startLocal,
  startServer,
} from "./chain.ts";

const METHOD = "2022-blake3-aes-128-gcm";

/** Node two has a server key of its own; the other nodes share one. */
const NODES = [
  { name: "one", runtime: "deno", host: "127.0.0.2", key: 1 },
  { name: "two", runtime: "bun", host: "127.0.0.3", key: 2 },
  { name: "three", runtime: "deno", host: "127.0.0.4", key: 1 },
] as const satisfies readonly {
  name: string;
  runtime: Implementation;
  host: string;
  /** Number of its server key. */
  key: number;
}[];

type NodeName = typeof NODES[number]["name"];

const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const keyFile = join(folder, "fleet.key");
writeFileSync(keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });

function keyOf(number: number): string {
  return seededBytes(16, number).toBase64();
}

/** Length of the line that requests a download, for the sizes that are used. */
const LINE = command("down 1000000").length;

let server: RedisServer;
let fleet: TestFleet;
let admin: FleetAdmin;
let target: Target;
let port: number;
const nodes = new Map<NodeName, End>();
let users = 0;

async function startNode(name: NodeName): Promise<void> {
  const at = NODES.findIndex((node) => node.name === name);
  const { runtime, host, key } = NODES[at]!;
  nodes.set(
    name,
    await startServer(runtime, {
      ...{ host, port, method: METHOD, password: keyOf(key) },
      flags: [
        ...["--fleet", fleet.url, "--fleet-key", keyFile, "--node", name],
        ...["--store", join(folder, `${name}.db`)],
      ],
    }),
  );
}

/**
 * Adds a user. With a limit of connections, the user is reported every second.
 */
async function addUser(
  limits: UserLimits = { maxConnections: 1_000 },
): Promise<{ name: string; key: string }> {
  const number = ++users;
  const [name, key] = [`user${number}`, keyOf(100 + number)];
  await admin.put({
    ...{ service: `${port}`, name, password: key, limits, disabled: false },
  });
  return { name, key };
}

/** Starts a local that connects to a node as a user. */
function localOf(
  name: NodeName,
  user: { readonly key: string },
  flags: readonly string[] = [],
): Promise<End> {
  const at = NODES.findIndex((node) => node.name === name);
  const { host, key } = NODES[at]!;
  // Deno cannot choose the source address of a connection.
  const { runtime } = NODES[(at + 1) % NODES.length]!;
  return startLocal(flags.length > 0 ? "bun" : runtime, {
    host,
    port,
  }, { method: METHOD, password: `${keyOf(key)}:${user.key}`, flags });
}

async function open(local: End, text: string): Promise<TcpStream> {
  const stream = await socksConnect(local.address, target.address);
  await stream.write(command(text));
  return stream;
}

/** Returns the number of bytes of a download that arrive. */
async function download(local: End, length: number): Promise<number> {
  let bytes = 0;
  try {
    using stream = await open(local, `down ${length}`);
    for (let chunk; (chunk = await stream.read()) !== undefined;) {
      bytes += chunk.length;
    }
  } catch {
    // The download was cut off or refused; the bytes before that count.
  }
  return bytes;
}

/** Returns the used bytes; `undefined` while the engine is away. */
async function used(name: string): Promise<number | undefined> {
  try {
    return (await admin.user(`${port}`, name))?.usedBytes ?? 0;
  } catch (error) {
    assert(error instanceof TransportError);
    return undefined;
  }
}

async function settles(name: string, bytes: number): Promise<void> {
  await until(
    5_000,
    `${bytes} bytes are counted of ${name}`,
    async () => await used(name) === bytes,
  );
}

/** Forwards streams and records the bytes of clients. */
class Recorder implements AsyncDisposable {
  readonly address: Address;
  readonly #server: Server;
  readonly #parts: Uint8Array[] = [];

  private constructor(server: Server) {
    this.#server = server;
    const { port } = server.address() as AddressInfo;
    this.address = { host: "127.0.0.1", port };
  }

  static async start({ host, port }: Address): Promise<Recorder> {
    const recorder = Promise.withResolvers<Recorder>();
    const server = createServer((client) => {
      const node = connect(port, host);
      client.on("data", (bytes) => {
        recorder.promise.then((one) => one.#parts.push(bytes), () => {});
        node.write(bytes);
      });
      node.on("data", (bytes) => client.write(bytes));
      for (const [one, other] of [[client, node], [node, client]] as const) {
        one.on("error", () => other.destroy());
        one.on("close", () => other.destroy());
      }
    });
    await new Promise<void>((resolve) =>
      server.listen(0, "127.0.0.1", () => resolve())
    );
    recorder.resolve(new Recorder(server));
    return await recorder.promise;
  }

  get recorded(): Uint8Array {
    return Buffer.concat(this.#parts);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** Returns the number of bytes that come back within a time limit. */
async function answerTo(node: Address, bytes: Uint8Array): Promise<number> {
  const socket = connect(node.port, node.host);
  let received = 0;
  socket.on("data", ({ length }) => received += length);
  socket.on("error", () => {});
  socket.write(bytes);
  await pause(400);
  socket.destroy();
  return received;
}

describe("a fleet of three", { skip: REDIS_SKIP }, () => {
  before(async () => {
    server = await RedisServer.start(["--appendonly", "yes"]);
    fleet = await server.fleet();
    admin = await administer(fleet);
    target = await Target.start();
    port = await freePort();
    await Promise.all(NODES.map(({ name }) => startNode(name)));
  });
  after(async () => {
    admin[Symbol.dispose]();
    await Promise.all(
      [...nodes.values()].map((node) => node[Symbol.asyncDispose]()),
    );
    await target[Symbol.asyncDispose]();
    await server[Symbol.asyncDispose]();
  });

  test("never passes more than a quota, and counts every byte once", async () => {
    const quotaBytes = 40 * MIB;
    const user = await addUser({ quotaBytes });
    await pause(100);
    const locals = await Promise.all(
      NODES.map(({ name }) => localOf(name, user)),
    );
    const parts = await Promise.all(
      locals.map((local) => download(local, 30 * MIB)),
    );
    const arrived = parts.reduce((sum, part) => sum + part, 0);
    await pause(1_500);
    const counted = await used(user.name) ?? 0;
    report(`${arrived} arrived, ${counted} counted of ${quotaBytes}`);
    assert(counted <= quotaBytes);
    assert(arrived <= counted);
    assert(arrived > 0.8 * quotaBytes);
    for (const local of locals) await local[Symbol.asyncDispose]();
    const free = await addUser();
    await pause(100);
    await using local = await localOf("two", free);
    const [first, second] = await Promise.all([
      download(local, 3_000_000),
      download(local, 4_000_000),
    ]);
    assert.equal(first + second, 7_000_000);
    // The client sends each request to the target as a line of text.
    await settles(free.name, 7_000_000 + 2 * LINE);
  });

  test("lets a user in from as many addresses as it may", async () => {
    const user = await addUser({ maxHosts: 1 });
    await pause(100);
    const from = (host: string): string[] => ["--outbound-bind-addr", host];
    await using first = await localOf("one", user, from("127.0.0.21"));
    await using other = await localOf("two", user, from("127.0.0.22"));
    await using same = await localOf("three", user, from("127.0.0.21"));
    using held = await open(first, "echo");
    await held.write(command("x"));
    await held.read();
    assert.equal(await download(other, 1_000), 0);
    assert.equal(await download(same, 1_000), 1_000);
    held.close();
    await until(
      5_000,
      "the seat is free",
      async () => await download(other, 1_000) === 1_000,
    );
  });

  test("has a change everywhere within a second", async () => {
    const user = await addUser();
    await pause(100);
    const locals = await Promise.all(
      NODES.map(({ name }) => localOf(name, user)),
    );
    const streams = await Promise.all(
      locals.map((local) => open(local, "echo")),
    );
    for (const stream of streams) {
      await stream.write(command("x"));
      await stream.read();
    }
    const ends = streams.map(async (stream) => {
      try {
        while (await stream.read() !== undefined);
      } catch {
        // A reset ends the connection as well.
      }
      return performance.now();
    });
    const startMs = performance.now();
    await admin.put({
      ...{ service: `${port}`, name: user.name, password: user.key },
      ...{ limits: {}, disabled: true },
    });
    const times = (await Promise.all(ends)).map((ms) => ms - startMs);
    report(`gone after ${times.map(Math.round).join(", ")} ms`);
    assert(Math.max(...times) < 1_000);
    for (const local of locals) {
      assert.equal(await download(local, 10), 0);
      await local[Symbol.asyncDispose]();
    }
  });

  test("keeps passwords sealed and addresses unread in the engine", async () => {
    const user = await addUser({ maxHosts: 3 });
    await pause(100);
    await using local = await localOf("one", user);
    using held = await open(local, "echo");
    await held.write(command("x"));
    await held.read();
    const id = `umbra:${fleet.place.fleet}`;
    const key = `{${port}/${user.name}}`;
    const seats = await server.command("ZRANGE", `${id}:h:${key}`, "0", "-1");
    assert.match(seats, /^[A-Za-z0-9_-]{11}:one$/);
    const fields = await server.command("HGETALL", `${id}:u:${key}`);
    const log = await server.command("XRANGE", `${id}:log`, "-", "+");
    const raw = [...Uint8Array.fromBase64(user.key)]
      .map((byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("");
    for (const text of [fields, log]) {
      assert(text.includes("k"));
      assert(!text.includes(user.key) && !text.includes(raw));
    }
  });

  test("answers a recording on the node it is of, once, and on no other", async () => {
    const user = await addUser();
    await pause(100);
    await using recorder = await Recorder.start({ host: NODES[0].host, port });
    await using local = await startLocal("bun", recorder.address, {
      ...{ method: METHOD, password: `${keyOf(1)}:${user.key}` },
    });
    assert.equal(await download(local, 1_000), 1_000);
    const { recorded } = recorder;
    assert(recorded.length > 100);
    // After this time node three, which has the same key, knows the salt.
    await pause(300);
    for (const { host } of NODES) {
      assert.equal(await answerTo({ host, port }, recorded), 0);
    }
  });

  test("serves on while the engine is killed, and counts all when it is back", async () => {
    const user = await addUser();
    await pause(100);
    await using local = await localOf("one", user);
    assert.equal(await download(local, 1_000_000), 1_000_000);
    await settles(user.name, 1_000_000 + LINE);
    server.program.signal("SIGKILL");
    await server.program.exited;
    assert.equal(await download(local, 2_000_000), 2_000_000);
    await nodes.get("one")!.program.waitForOutput(/served on/, 5_000);
    assert.equal(await download(local, 3_000_000), 3_000_000);
    await server.startAgain();
    await settles(user.name, 6_000_000 + 3 * LINE);
    assert.equal(await download(local, 1_000), 1_000);
  });

  test("serves on while the engine is frozen, within a bound", async () => {
    const user = await addUser({ quotaBytes: 200 * MIB, maxHosts: 1 });
    await pause(100);
    await using local = await localOf("two", user);
    assert.equal(await download(local, 1_000), 1_000);
    server.program.signal("SIGSTOP");
    const startMs = performance.now();
    assert.equal(await download(local, 10 * MIB), 10 * MIB);
    report(`10 MiB took ${Math.round(performance.now() - startMs)} ms`);
    server.program.signal("SIGCONT");
    const { length } = command(`down ${10 * MIB}`);
    await settles(
      user.name,
      1_000 + 10 * MIB + command("down 1000").length + length,
    );
  });

  test("counts what a killed node had not told", async () => {
    const user = await addUser();
    await pause(100);
    {
      await using local = await localOf("three", user);
      assert.equal(await download(local, 1_000_000), 1_000_000);
      await settles(user.name, 1_000_000 + LINE);
      server.program.signal("SIGSTOP");
      assert.equal(await download(local, 2_000_000), 2_000_000);
      await pause(1_200);
    }
    const node = nodes.get("three")!;
    node.program.signal("SIGKILL");
    await node.program.exited;
    server.program.signal("SIGCONT");
    await startNode("three");
    await settles(user.name, 3_000_000 + 2 * LINE);
    // Receiving the salts again changes nothing.
    await using local = await localOf("three", user);
    assert.equal(await download(local, 1_000_000), 1_000_000);
    await settles(user.name, 4_000_000 + 3 * LINE);
  });

  test("starts with its copy of the users while the engine is away", async () => {
    const user = await addUser();
    await pause(200);
    server.program.signal("SIGKILL");
    await server.program.exited;
    await nodes.get("two")![Symbol.asyncDispose]();
    await startNode("two");
    {
      await using local = await localOf("two", user);
      assert.equal(await download(local, 1_000_000), 1_000_000);
    }
    await server.startAgain();
    await settles(user.name, 1_000_000 + LINE);
  });

  test("removes no user when the engine has lost everything", async () => {
    const user = await addUser();
    await pause(100);
    await using local = await localOf("one", user);
    assert.equal(await download(local, 1_000), 1_000);
    await server.command("FLUSHALL");
    assert.equal(await download(local, 1_000), 1_000);
    const { program } = nodes.get("one")!;
    await program.waitForOutput(/lost the fleet's data/, 10_000);
    assert.equal(await download(local, 1_000), 1_000);
  });
});

if (REDIS_SKIP) announceSkip(REDIS_SKIP);
