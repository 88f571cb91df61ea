/**
 * Tests failures of a fleet that need a real engine and a real network: packets
 * are lost, a primary dies, memory is full.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  foundFleet,
  openFleetAdmin,
} from "../../src/adapters/fleet/fleet_admin.ts";
import { parseFleetUrl } from "../../src/adapters/fleet/engine_url.ts";
import { FleetKeys } from "../../src/adapters/fleet/fleet_keys.ts";
import type { SharedUser } from "../../src/fleet.ts";
import type { UserLimits } from "../../src/users.ts";
import { seededBytes } from "../support/bytes.ts";
import { Namespace, NAMESPACES_SKIP } from "../support/namespaces.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import {
  administer,
  FLEET_KEY,
  REDIS_SKIP,
  RedisServer,
  waitForReplica,
} from "../support/redis_server.ts";
import { announceSkip, report } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, MIB, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { pause, until } from "../support/within.ts";
import {
  CURL_SKIP,
  type Implementation,
  startLocal,
  startServer,
} from "./chain.ts";
import { findProgram } from "./clients.ts";

const SENTINEL_SKIP = REDIS_SKIP ||
  findProgram(["redis-sentinel"]) === undefined &&
    "redis-sentinel not found: apt-get install -y redis-sentinel";
for (const skip of [REDIS_SKIP, SENTINEL_SKIP]) if (skip) announceSkip(skip);

const METHOD = "2022-blake3-aes-128-gcm";
const [SERVER_KEY, USER_KEY] = [1, 2].map((seed) =>
  seededBytes(16, seed).toBase64()
) as [string, string];

const folder = mkdtempSync(join(tmpdir(), "umbra-fleet-failures-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const keyFile = join(folder, "fleet.key");
writeFileSync(keyFile, `${FLEET_KEY.toBase64()}\n`, { mode: 0o600 });

/** Returns the user Alice of a port. */
function alice(port: number, limits: UserLimits): SharedUser {
  const service = `${port}`;
  return {
    ...{ service, name: "alice", password: USER_KEY, limits },
    disabled: false,
  };
}

/** Returns the number of bytes of a download that arrive; it may be cut off. */
async function download(
  local: Address,
  target: Address,
  bytes: number,
): Promise<number> {
  let arrived = 0;
  try {
    using stream = await socksConnect(local, target);
    await stream.write(command(`down ${bytes}`));
    for (let chunk; (chunk = await stream.read()) !== undefined;) {
      arrived += chunk.length;
    }
  } catch {
    // The bytes before the cut count.
  }
  return arrived;
}

test(
  "a node whose packets to the engine vanish serves on its lease, which is held, and tells all soon after",
  {
    skip: REDIS_SKIP || NAMESPACES_SKIP || CURL_SKIP,
  },
  async () => {
    using network = new Namespace();
    await using owned = new AsyncDisposableStack();
    const redis = owned.use(
      await RedisServer.start(
        ["--port", "6379", "--protected-mode", "no"],
        network.under,
      ),
    );
    const fleet = await redis.fleet();
    using admin = await administer(fleet);
    const quotaBytes = 10 * MIB;
    await admin.put(alice(8388, { quotaBytes }));
    for (const bytes of [100_000, 50_000, 12 * MIB]) {
      writeFileSync(join(folder, `${bytes}`), new Uint8Array(bytes));
    }
    owned.use(
      await Program.start([
        ...[...network.under, "python3", "-u", "-m", "http.server"],
        ...["8000", "--bind", "127.0.0.1", "--directory", folder],
      ], { ready: /Serving HTTP/ }),
    );
    // The engine has an address for each node, so that the packets of one node
    // can be dropped.
    const nodes = [
      { name: "away", runtime: "deno", host: "127.0.1.1" },
      { name: "here", runtime: "bun", host: "127.0.1.2" },
    ] as const satisfies readonly {
      name: string;
      runtime: Implementation;
      host: string;
    }[];
    const start = async (words: readonly string[]): Promise<Program> =>
      owned.use(
        await Program.start([...network.under, ...words], {
          cwd: ROOT,
          ready: /listening on/,
        }),
      );
    const servers = await Promise.all(
      nodes.map(async ({ name, runtime, host }) => {
        const ends = ["-s", host, "-p", "8388", "-m", METHOD];
        const server = await start([
          ...[...programCommand(runtime), "server", ...ends, "-k", SERVER_KEY],
          ...["--allow-private", "all", "--fleet-key", keyFile, "--node", name],
          ...["--fleet", `valkey://${host}:6379?fleet=${fleet.place.fleet}`],
        ]);
        await start([
          ...[...programCommand(runtime), "local", ...ends, "-b", host],
          ...["-l", "1080", "-k", `${SERVER_KEY}:${USER_KEY}`],
        ]);
        return server;
      }),
    );
    /** Returns the payload in both directions, as curl saw it. */
    const fetched = async (
      { host }: { host: string },
      bytes: number,
    ): Promise<number> => {
      const { output } = await runToEnd([
        ...[...network.under, "curl", "-s", "-o", "/dev/null", "-m", "10"],
        ...["-x", `socks5h://${host}:1080`],
        ...["-w", "%{size_download} %{size_header} %{size_request}"],
        `http://127.0.0.1:8000/${bytes}`,
      ], 20_000);
      return output.trim().split(" ").map(Number).reduce((a, b) => a + b, 0);
    };
    const usage = async () => (await admin.user("8388", "alice"))!;
    const [away, here] = nodes;
    const first = await fetched(away, 100_000);
    await until(
      5_000,
      "it is counted",
      async () => (await usage()).usedBytes === first,
    );
    network.run("nft add table ip trial");
    network.run(
      "nft -f -",
      "add chain ip trial in { type filter hook input priority 0; }\n" +
        `add rule ip trial in ip daddr ${away.host} tcp dport 6379 drop\n`,
    );
    // This is longer than the system needs to double its retransmission pause a
    // few times.
    const cutMs = performance.now();
    const other = await fetched(here, 12 * MIB);
    const second = await fetched(away, 50_000);
    await pause(1_500);
    const { usedBytes } = await usage();
    // The smallest lease, of which 50,000 bytes are used.
    const held = 262_144;
    assert(usedBytes >= first + other && usedBytes <= quotaBytes - held);
    await servers[0]!.waitForOutput(/does not answer/, 10_000);
    await pause(Math.max(0, cutMs + 9_000 - performance.now()));
    network.run("nft delete table ip trial");
    const healedMs = performance.now();
    await until(
      4_500,
      "all is counted",
      async () => (await usage()).usedBytes === usedBytes + second,
    );
    report(`counted ${Math.round(performance.now() - healedMs)} ms after`);
  },
);

test("while a replica takes the place of its primary, no connection fails", {
  skip: SENTINEL_SKIP,
}, async () => {
  const [first, second, watch, port] = [
    ...[await freePort(), await freePort(), await freePort()],
    await freePort(),
  ] as [number, number, number, number];
  await using owned = new AsyncDisposableStack();
  const startRedis = async (at: number, flags: readonly string[]) =>
    owned.use(
      await Program.start([
        ...["redis-server", "--save", "", "--dir", folder],
        ...["--port", `${at}`, "--bind", "127.0.0.1", ...flags],
      ], { ready: /eady to accept connections/ }),
    );
  // The first copy to a replica begins at once, not after five seconds.
  const primary = await startRedis(first, ["--repl-diskless-sync-delay", "0"]);
  await startRedis(second, ["--replicaof", `127.0.0.1 ${first}`]);
  const file = join(folder, "sentinel.conf");
  writeFileSync(
    file,
    [
      ...[`port ${watch}`, "bind 127.0.0.1"],
      `sentinel monitor main 127.0.0.1 ${first} 1`,
      "sentinel down-after-milliseconds main 500",
      ...["sentinel failover-timeout main 2000", ""],
    ].join("\n"),
  );
  owned.use(
    await Program.start(["redis-sentinel", file], { ready: /\+slave/ }),
  );
  const url = `valkey+sentinel://127.0.0.1:${watch}/main`;
  const place = { ...parseFleetUrl(url)!, keys: new FleetKeys([FLEET_KEY]) };
  await foundFleet(place);
  using admin = await openFleetAdmin(place);
  await admin.put(alice(port, { quotaBytes: 1_000 * MIB }));
  const server = owned.use(
    await startServer("deno", {
      ...{ port, method: METHOD, password: SERVER_KEY },
      flags: ["--fleet", url, "--fleet-key", keyFile, "--node", "one"],
    }),
  );
  const local = owned.use(
    await startLocal("bun", server.address, {
      ...{ method: METHOD, password: `${SERVER_KEY}:${USER_KEY}` },
    }),
  );
  const target = owned.use(await Target.start());
  let sent = 0;
  // The amount is small, since a node relays 64 MiB beyond its lease while the
  // engine is away.
  const each = 10_000;
  const ask = async (): Promise<void> => {
    const got = await download(local.address, target.address, each);
    assert.equal(got, each, server.program.describe());
    sent += each + command(`down ${each}`).length;
  };
  const counted = async (): Promise<number | undefined> => {
    try {
      return (await admin.user(`${port}`, "alice"))?.usedBytes;
    } catch {
      return undefined;
    }
  };
  await ask();
  await until(5_000, "it is counted", async () => await counted() === sent);
  await waitForReplica(first, second);
  primary.signal("SIGKILL");
  const startMs = performance.now();
  let requests = 0;
  while (performance.now() - startMs < 4_000) {
    await ask();
    requests++;
  }
  await until(6_000, "all is counted", async () => await counted() === sent);
  report(
    `${requests} requests, none failed; all counted ` +
      `${Math.round(performance.now() - startMs)} ms after the kill`,
  );
});

test(
  "while the engine's memory is full, users are served, and all is counted after",
  {
    skip: REDIS_SKIP,
  },
  async () => {
    await using owned = new AsyncDisposableStack();
    const redis = owned.use(await RedisServer.start());
    const fleet = await redis.fleet();
    using admin = await administer(fleet);
    const port = await freePort();
    await admin.put(alice(port, { quotaBytes: 100 * MIB, maxHosts: 1 }));
    const server = owned.use(
      await startServer("bun", {
        ...{ port, method: METHOD, password: SERVER_KEY },
        flags: ["--fleet", fleet.url, "--fleet-key", keyFile, "--node", "one"],
      }),
    );
    const local = owned.use(
      await startLocal("bun", server.address, {
        ...{ method: METHOD, password: `${SERVER_KEY}:${USER_KEY}` },
      }),
    );
    const target = owned.use(await Target.start());
    const bytes = 2 * MIB;
    await redis.command("CONFIG", "SET", "maxmemory", "1");
    const full = await download(local.address, target.address, bytes);
    assert.equal(full, bytes, server.program.describe());
    await server.program.waitForOutput(/refused: OOM/, 5_000);
    await redis.command("CONFIG", "SET", "maxmemory", "0");
    await until(
      8_000,
      "all is counted",
      async () =>
        (await admin.user(`${port}`, "alice"))?.usedBytes ===
          bytes + command(`down ${bytes}`).length,
    );
  },
);
