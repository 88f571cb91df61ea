/**
 * Trials of a fleet that take too long for the test suite. `deno run -A
 * tests/bench/fleet_trials.ts [TRIAL…]`
 *
 * | trial       | what is tried                                                |
 * | ----------- | ------------------------------------------------------------ |
 * | `push`      | a user who streams on three nodes is disabled, 100 times      |
 * | `devices`   | six addresses at once, two may connect, 1,000 times           |
 * | `counts`    | 10⁹ bytes on three nodes, while replies of the engine are lost |
 * | `overshoot` | a quota of 100 MB, three nodes at full speed                  |
 * | `clock`     | clocks at −20, 0 and +20 s, and a user who expires            |
 * | `udp`       | a UDP session moves to another node and back                  |
 * | `rekey`     | the fleet key is replaced while three nodes serve             |
 *
 * @module
 */
import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import process from "node:process";
import { openValkeyFleet } from "../../src/adapters/fleet/valkey_fleet.ts";
import { sharedUser, usageReport } from "../conformance/fleet_suite.ts";
import { startLocal } from "../e2e/chain.ts";
import { findProgram } from "../e2e/clients.ts";
import { peerFile, peerSkip } from "../e2e/peers.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { administer, RedisServer } from "../support/redis_server.ts";
import { ROOT } from "../support/runtimes.ts";
import { command } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { SocksUdp, UdpEcho, UdpSocket } from "../support/udp.ts";
import { pause, until } from "../support/within.ts";
import { drain, FleetScene, METHOD, NODES } from "./fleet_scene.ts";

/** Bytes that no stream of a trial reaches. */
const ENDLESS = 10 ** 12;

async function push(): Promise<string> {
  const rounds = 100;
  await using scene = await FleetScene.start();
  // The rate is limited so that little is under way when the user is disabled.
  const limits = { bytesPerSecond: 3_000_000 };
  const user = await scene.addUser(limits);
  const locals = await scene.locals(user);
  const times: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const streams = await Promise.all(
      locals.map((local) => scene.open(local, `down ${ENDLESS}`)),
    );
    for (const stream of streams) assert((await stream.read())!.length > 0);
    const ends = streams.map(drain);
    await pause(100 + 200 * Math.random());
    const beganMs = performance.now();
    await scene.change(user, limits, true);
    for (const { endMs } of await Promise.all(ends)) {
      times.push(endMs - beganMs);
    }
    await scene.change(user, limits);
    await pause(100);
  }
  for (const local of locals) await local[Symbol.asyncDispose]();
  return `${times.length} streams ended after ${spread(times)} ms`;
}

async function devices(): Promise<string> {
  const rounds = 1_000;
  await using redis = await RedisServer.start();
  const fleet = await redis.fleet();
  using admin = await administer(fleet);
  await admin.put(sharedUser("alice", { maxHosts: 2 }));
  const links = await Promise.all(
    NODES.map(({ name }) =>
      openValkeyFleet({ ...fleet.place, keys: fleet.keys, node: name })
    ),
  );
  const incarnations = await Promise.all(links.map((link) => link.join()));
  const counts = new Map<number, number>();
  for (let i = 0; i < rounds; i++) {
    const seats = Array.from({ length: 6 }, (_, at) => ({
      ...{ service: "8388", name: "alice" },
      place: `127.0.0.${1 + at}`,
    }));
    const answers = await Promise.all(
      seats.map((seat, at) =>
        links[at % 3]!.enter(
          incarnations[at % 3]!,
          seat,
          usageReport("alice", i * 2 + 1 + Math.floor(at / 3)),
        )
      ),
    );
    const admitted = answers.filter(({ isAdmitted }) => isAdmitted).length;
    counts.set(admitted, (counts.get(admitted) ?? 0) + 1);
    await Promise.all(links.map((link) => link.leave(seats)));
  }
  for (const link of links) await link[Symbol.asyncDispose]();
  assert.deepEqual([...counts], [[2, rounds]]);
  return `two of six in each of ${rounds} rounds`;
}

async function counts(): Promise<string> {
  const total = 1_000_000_000;
  await using scene = await FleetScene.start();
  // With a limit of connections, the user is reported every second.
  const limits = { quotaBytes: 2 * total, maxHosts: 3, maxConnections: 100 };
  const user = await scene.addUser(limits);
  const locals = await scene.locals(user);
  scene.relay.loss = 0.2;
  const parts = [333_333_333, 333_333_333, 333_333_334];
  const ends = await Promise.all(
    locals.map(async (local, at) =>
      drain(await scene.open(local, `down ${parts[at]}`))
    ),
  );
  const arrived = ends.reduce((sum, { bytes }) => sum + bytes, 0);
  assert.equal(arrived, total);
  scene.relay.loss = 0;
  const sent = parts.reduce(
    (sum, part) => sum + command(`down ${part}`).length,
    0,
  );
  const endMs = performance.now();
  await until(
    10_000,
    `${arrived + sent} bytes are counted`,
    async () => await scene.usedBytes(user) === arrived + sent,
  );
  for (const local of locals) await local[Symbol.asyncDispose]();
  return `${arrived + sent} bytes, all counted ` +
    `${Math.round(performance.now() - endMs)} ms after the end; replies were ` +
    `lost ${scene.relay.cuts} times`;
}

async function overshoot(): Promise<string> {
  const quotaBytes = 100_000_000;
  await using scene = await FleetScene.start();
  const user = await scene.addUser({ quotaBytes });
  const locals = await scene.locals(user);
  const ends = await Promise.all(
    locals.map(async (local) =>
      drain(await scene.open(local, `down ${quotaBytes}`))
    ),
  );
  const times = ends.map(({ endMs }) => endMs);
  const apartMs = Math.max(...times) - Math.min(...times);
  const arrived = ends.reduce((sum, { bytes }) => sum + bytes, 0);
  await pause(1_500);
  const counted = await scene.usedBytes(user);
  for (const local of locals) await local[Symbol.asyncDispose]();
  assert(arrived <= counted && counted <= quotaBytes, `${arrived} ${counted}`);
  return `${arrived} bytes arrived, ${counted} of ${quotaBytes} are counted; ` +
    `the last node stopped ${Math.round(apartMs)} ms after the first`;
}

async function clock(): Promise<string> {
  if (findProgram(["faketime"]) === undefined) {
    return "SKIPPED: faketime not found: apt-get install -y faketime";
  }
  const offsets = [-20, 0, 20];
  await using scene = await FleetScene.start({
    // The program of this name would not pass signals on.
    under: (at) => [
      ...["env", "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1"],
      `FAKETIME=${offsets[at]! < 0 ? "" : "+"}${offsets[at]}s`,
      "FAKETIME_DONT_FAKE_MONOTONIC=1",
    ],
  });
  for (const [at, { program }] of scene.nodes.entries()) {
    if (offsets[at] === 0) continue;
    await program.waitForOutput(/clock is off/, 5_000);
  }
  const limits = { bytesPerSecond: 6_000_000 };
  const user = await scene.addUser(limits);
  const locals = await scene.locals(user);
  const streams = await Promise.all(
    locals.map((local) => scene.open(local, `down ${ENDLESS}`)),
  );
  for (const stream of streams) assert((await stream.read())!.length > 0);
  const ends = streams.map(drain);
  const lifeMs = 5_000;
  const expiresMs = performance.now() + lifeMs;
  const expiresUnixMs = Date.now() + lifeMs;
  await scene.change(user, { ...limits, expiresUnixMs });
  const late = (await Promise.all(ends)).map(({ endMs }) => endMs - expiresMs);
  for (const local of locals) await local[Symbol.asyncDispose]();
  for (const ms of late) assert(Math.abs(ms) <= 1_000, `${late} ms`);
  return offsets.map((s, at) => `clock ${s} s: t ${signed(late[at]!)} ms`)
    .join(", ");
}

async function udp(): Promise<string> {
  const datagrams = 120;
  await using scene = await FleetScene.start({ keyNumber: () => 1 });
  const user = await scene.addUser({});
  using echo = await UdpEcho.start();
  const results: string[] = [];
  for (const client of ["umbra on deno", "umbra on bun", "sslocal"] as const) {
    const skip = client === "sslocal" && peerSkip("shadowsocks-rust");
    if (skip) {
      results.push(`${client} SKIPPED: ${skip}`);
      continue;
    }
    await using forwarder = await Forwarder.start(scene.port);
    const password = scene.passwordOf(0, user);
    await using owned = new AsyncDisposableStack();
    const local = owned.use(
      client === "sslocal"
        ? await startSslocal(forwarder.address, password)
        : await startLocal(
          client === "umbra on deno" ? "deno" : "bun",
          forwarder.address,
          {
            ...{ method: METHOD, password, flags: ["-u"] },
          },
        ),
    );
    using association = await SocksUdp.start(local.address);
    const target = { host: "127.0.0.1", port: echo.port };
    let lost = 0;
    for (let i = 0; i < datagrams; i++) {
      forwarder.node = i < 40 || i >= 80 ? 0 : 1;
      const payload = Uint8Array.of(i, 1, 2, 3);
      await association.send(payload, target);
      try {
        const answer = await association.receive(1_000);
        if (answer.payload[0] !== i) lost++;
      } catch {
        lost++;
      }
      await pause(5);
    }
    results.push(`${client} lost ${lost} of ${datagrams}`);
    assert.equal(lost, 0, results.join());
  }
  return results.join(", ");
}

/** Forwards datagrams of one client to a node that the trial chooses. */
class Forwarder implements AsyncDisposable {
  /** Index of the node. */
  node = 0;
  readonly #near: UdpSocket;
  readonly #far: readonly UdpSocket[];

  private constructor(
    near: UdpSocket,
    far: readonly UdpSocket[],
    port: number,
  ) {
    this.#near = near;
    this.#far = far;
    let client: Address | undefined;
    near.onDatagram = ({ payload, from }) => {
      client = from;
      const { host } = NODES[this.node]!;
      far[this.node]!.send(payload, { host, port }).catch(() => {});
    };
    for (const socket of far) {
      socket.onDatagram = ({ payload }) => {
        if (client) near.send(payload, client).catch(() => {});
      };
    }
  }

  static async start(port: number): Promise<Forwarder> {
    const near = await UdpSocket.bind();
    const far = [await UdpSocket.bind(), await UdpSocket.bind()];
    return new Forwarder(near, far, port);
  }

  get address(): Address {
    return this.#near.address;
  }

  [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#near, ...this.#far]) socket[Symbol.dispose]();
    return Promise.resolve();
  }
}

async function startSslocal(
  server: Address,
  password: string,
): Promise<{ address: Address } & AsyncDisposable> {
  const address = { host: "127.0.0.1", port: await freePort() };
  const program = await Program.start([
    ...[peerFile("sslocal"), "-s", `${server.host}:${server.port}`, "-U"],
    ...["-b", `127.0.0.1:${address.port}`, "-m", METHOD, "-k", password],
  ], { ready: /listening on/ });
  return {
    address,
    [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
  };
}

async function rekey(): Promise<string> {
  await using scene = await FleetScene.start();
  const user = await scene.addUser({ quotaBytes: ENDLESS, maxHosts: 3 });
  const locals = await scene.locals(user);
  let isOver = false;
  let requests = 0;
  const failures: string[] = [];
  const visits = locals.map(async (local) => {
    while (!isOver) {
      try {
        using stream = await socksConnect(local.address, scene.target.address);
        await stream.write(command("down 1000"));
        const { bytes } = await drain(stream);
        if (bytes !== 1_000) failures.push(`${bytes} bytes`);
      } catch (error) {
        failures.push(String(error));
      }
      requests++;
      await pause(20);
    }
  });
  const beganMs = performance.now();
  const old = `${scene.keyFile}.old`;
  copyFileSync(scene.keyFile, old);
  const fleet = (
    ...words: string[]
  ): ReturnType<typeof runToEnd> =>
    runToEnd(
      [
        ...[...programCommand("deno"), "fleet", ...words],
        ...["--fleet", scene.fleet.url],
      ],
      20_000,
      { cwd: ROOT },
    );
  const step = async (said: RegExp): Promise<void> => {
    // The command refuses while a node is not ready.
    const limitMs = performance.now() + 20_000;
    for (;;) {
      const { code, output } = await fleet(
        "rekey",
        "--fleet-key",
        scene.keyFile,
      );
      if (code === 0) {
        assert.match(output, said);
        return;
      }
      assert.match(output, /These servers/);
      assert(performance.now() < limitMs, output);
      await pause(500);
    }
  };
  const reload = (): void => {
    for (const { program } of scene.nodes) program.signal("SIGHUP");
  };
  await step(/now contains a second key/);
  reload();
  await step(/now in use/);
  await step(/only the new key/);
  reload();
  await pause(1_000);
  const newcomer = await fleet(
    ...["user", "add", "newcomer", "--fleet-key", scene.keyFile],
    ...["--server", `${scene.port}`, "--method", METHOD],
  );
  assert.equal(newcomer.code, 0, newcomer.output);
  const [key] = newcomer.output.split("\n");
  const others = await scene.locals({ name: "newcomer", key: key! });
  for (const other of others) {
    const { bytes } = await drain(await scene.open(other, "down 1000"));
    assert.equal(bytes, 1_000);
    await other[Symbol.asyncDispose]();
  }
  isOver = true;
  await Promise.all(visits);
  for (const local of locals) await local[Symbol.asyncDispose]();
  assert.deepEqual(failures, []);
  const refused = await fleet("status", "--fleet-key", old);
  assert.equal(refused.code, 2, refused.output);
  assert.match(refused.output, /another key/);
  await assert.rejects(
    Program.start([
      ...[...programCommand("bun"), "server", "-s", "127.0.0.5", "-p"],
      ...[`${scene.port}`, "-m", METHOD, "-k", key!, "--node", "old"],
      ...["--fleet", scene.fleet.url, "--fleet-key", old],
    ], { cwd: ROOT, ready: /listening on/ }),
    /another key/,
  );
  assert.equal(readFileSync(scene.keyFile, "utf8").trim().split(" ").length, 1);
  return `${requests} requests, none failed, in ` +
    `${((performance.now() - beganMs) / 1_000).toFixed(1)} s; the old key is ` +
    "refused";
}

function spread(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (part: number): number =>
    Math.round(sorted[Math.ceil(part * sorted.length) - 1]!);
  return `${at(0.5)} (p50), ${at(0.99)} (p99), ${at(1)} (max)`;
}

function signed(ms: number): string {
  return `${ms < 0 ? "−" : "+"} ${Math.round(Math.abs(ms))}`;
}

const TRIALS: Readonly<Record<string, () => Promise<string>>> = {
  push,
  devices,
  counts,
  overshoot,
  clock,
  udp,
  rekey,
};

const named = process.argv.slice(2);
for (const name of named.length > 0 ? named : Object.keys(TRIALS)) {
  process.stdout.write(`${name}: ${await TRIALS[name]!()}\n`);
}
process.exit(0);
