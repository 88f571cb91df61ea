/**
 * A client of the engine while a replica takes the place of its primary, and
 * over TLS as the user of a node.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseFleetUrl } from "../../src/adapters/fleet/engine_url.ts";
import {
  foundFleet,
  openFleetAdmin,
} from "../../src/adapters/fleet/fleet_admin.ts";
import { FleetKeys } from "../../src/adapters/fleet/fleet_keys.ts";
import { openValkeyFleet } from "../../src/adapters/fleet/valkey_fleet.ts";
import { TransportError } from "../../src/errors.ts";
import { findProgram } from "../e2e/clients.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import {
  FLEET_KEY,
  REDIS_SKIP,
  waitForReplica,
} from "../support/redis_server.ts";
import { announceSkip, report } from "../support/report.ts";
import { until } from "../support/within.ts";
import { sharedUser, usageReport } from "./fleet_suite.ts";

const SENTINEL_SKIP = REDIS_SKIP ||
  findProgram(["redis-sentinel"]) === undefined &&
    "redis-sentinel not found: apt-get install -y redis-sentinel";
const OPENSSL_SKIP = REDIS_SKIP ||
  findProgram(["openssl"]) === undefined &&
    "openssl not found: apt-get install -y openssl";
for (const skip of [SENTINEL_SKIP, OPENSSL_SKIP]) if (skip) announceSkip(skip);

const folder = mkdtempSync(join(tmpdir(), "umbra-failover-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const keys = new FleetKeys([FLEET_KEY]);

function startRedis(flags: readonly string[]): Promise<Program> {
  return Program.start(
    ["redis-server", "--save", "", "--dir", folder, ...flags],
    { ready: /eady to accept connections/ },
  );
}

test("Redis: a node goes on with the replica that has taken over", {
  skip: SENTINEL_SKIP,
}, async () => {
  const [first, second, watch] = [
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const at = (port: number): string[] => [
    ...["--port", `${port}`, "--bind", "127.0.0.1"],
  ];
  // The first copy to a replica begins at once, not after five seconds.
  await using primary = await startRedis([
    ...at(first),
    ...["--repl-diskless-sync-delay", "0"],
  ]);
  await using _replica = await startRedis([
    ...at(second),
    ...["--replicaof", `127.0.0.1 ${first}`],
  ]);
  const file = join(folder, "sentinel.conf");
  writeFileSync(
    file,
    [
      `port ${watch}`,
      "bind 127.0.0.1",
      `sentinel monitor main 127.0.0.1 ${first} 1`,
      "sentinel down-after-milliseconds main 500",
      "sentinel failover-timeout main 2000",
      "",
    ].join("\n"),
  );
  await using sentinel = await Program.start(["redis-sentinel", file], {
    ready: /\+slave/,
  });
  const place = parseFleetUrl(`valkey+sentinel://127.0.0.1:${watch}/main`)!;
  await foundFleet({ ...place, keys });
  using admin = await openFleetAdmin({ ...place, keys });
  await admin.put(sharedUser("alice"));
  await using link = await openValkeyFleet({ ...place, keys, node: "one" });
  const incarnation = await link.join();
  const say = async (sequence: number, bytesUp: number): Promise<boolean> => {
    try {
      await link.report(incarnation, [
        usageReport("alice", sequence, { bytesUp }),
      ]);
      return true;
    } catch (error) {
      assert(error instanceof TransportError, String(error));
      return false;
    }
  };
  assert.equal(await say(1, 100), true);
  await waitForReplica(first, second);
  primary.signal("SIGKILL");
  const startMs = performance.now();
  let sequence = 1;
  await until(20_000, "the replica answers", () => say(++sequence, 300));
  report(`answered again after ${Math.round(performance.now() - startMs)} ms`);
  assert.match(sentinel.output, /\+promoted-slave/);
  await until(5_000, "the count is whole", async () => {
    try {
      const found = await admin.user("8388", "alice");
      return found?.usedBytes === 300;
    } catch {
      return false;
    }
  });
});

test("Redis: a node is a user who may do no more than it needs, over TLS", {
  skip: OPENSSL_SKIP,
}, async () => {
  const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
  const made = await Program.start([
    ...["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days"],
    ...[
      "2",
      "-subj",
      "/CN=localhost",
      "-addext",
      "subjectAltName=DNS:localhost",
    ],
    ...["-keyout", key, "-out", cert],
  ]);
  assert.equal((await made.exited).code, 0);
  const port = await freePort();
  const file = join(folder, "tls.conf");
  writeFileSync(
    file,
    [
      ...["port 0", `tls-port ${port}`, "bind 127.0.0.1"],
      ...[`tls-cert-file ${cert}`, `tls-key-file ${key}`],
      ...[`tls-ca-cert-file ${cert}`, "tls-auth-clients no"],
      "user umbra on >secret ~umbra:main:* +@all -@admin -@dangerous",
      ...["user default off", 'save ""', ""],
    ].join("\n"),
  );
  await using _server = await Program.start(["redis-server", file], {
    ready: /eady to accept connections/,
  });
  const { address, fleet } = parseFleetUrl(`valkeys://localhost:${port}`)!;
  const secured = {
    ...{ ...address, username: "umbra", password: "secret" },
    tls: { ca: readFileSync(cert, "utf8") },
  };
  await foundFleet({ address: secured, fleet, keys });
  using admin = await openFleetAdmin({ address: secured, fleet, keys });
  await admin.put(sharedUser("alice", { quotaBytes: 1_000, maxHosts: 1 }));
  await using link = await openValkeyFleet({
    ...{ address: secured, fleet, keys, node: "one" },
  });
  const incarnation = await link.join();
  const { users, position } = await link.snapshot(["8388"]);
  assert.equal(users.length, 1);
  const waiting = link.changes(position);
  await admin.put(sharedUser("bob"));
  assert.equal((await waiting).changes.length, 1);
  const seat = { service: "8388", name: "alice", place: "192.0.2.1" };
  const report = usageReport("alice", 1, { wantBytes: 10 });
  assert.equal((await link.enter(incarnation, seat, report)).isAdmitted, true);
  await link.keep([seat]);
  await link.leave([seat]);
  await link.report(incarnation, [report]);
  await assert.rejects(
    openValkeyFleet({
      ...{ fleet, keys, node: "two" },
      address: { ...secured, tls: {} },
    }),
    (error: unknown) => error instanceof TransportError,
  );
  await assert.rejects(
    openValkeyFleet({
      ...{ fleet, keys, node: "two" },
      address: { ...secured, password: "wrong" },
    }),
  );
  await assert.rejects(
    openValkeyFleet({
      ...{ fleet, node: "two", address: secured },
      keys: new FleetKeys([new Uint8Array(32)]),
    }),
    { code: "ERR_CONFIG_VALUE" },
  );
});

test("Redis: an engine that is part of a cluster is refused", {
  skip: REDIS_SKIP,
}, async () => {
  await using owned = new AsyncDisposableStack();
  const [port, other, bus, otherBus] = [
    ...[await freePort(), await freePort()],
    ...[await freePort(), await freePort()],
  ] as [number, number, number, number];
  for (const [at, busAt] of [[port, bus], [other, otherBus]]) {
    owned.use(
      await startRedis([
        ...["--port", `${at}`, "--bind", "127.0.0.1"],
        ...["--cluster-enabled", "yes", "--cluster-port", `${busAt}`],
        ...["--cluster-config-file", `${at}.conf`, "--dbfilename", `${at}.rdb`],
      ]),
    );
  }
  const command = async (at: number, ...words: string[]): Promise<string> => {
    const cli = ["redis-cli", "-p", `${at}`, ...words];
    const { code, output } = await runToEnd(cli, 5_000);
    assert.equal(code, 0, output);
    return output.trim();
  };
  const place = parseFleetUrl(`valkey://127.0.0.1:${port}?fleet=main`)!;
  const refused = async (reply: RegExp): Promise<void> => {
    for (
      const opens of [
        () => foundFleet({ ...place, keys }),
        () => openFleetAdmin({ ...place, keys }),
        () => openValkeyFleet({ ...place, keys, node: "one" }),
      ]
    ) {
      await assert.rejects(opens, (error: Error) => {
        assert.match(error.message, /part of a cluster, .*: give an engine/);
        assert.match(error.message, reply);
        return true;
      });
    }
  };
  await refused(/CLUSTERDOWN|CROSSSLOT/);
  await command(port, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  const id = await command(other, "CLUSTER", "MYID");
  await command(
    port,
    ...["CLUSTER", "MEET", "127.0.0.1", `${other}`, `${otherBus}`],
  );
  await until(
    5_000,
    "the engines know each other",
    async () => (await command(port, "CLUSTER", "NODES")).includes(id),
  );
  await until(
    5_000,
    "the cluster is up",
    async () => (await command(port, "CLUSTER", "INFO")).includes("state:ok"),
  );
  const slot = await command(port, "CLUSTER", "KEYSLOT", "umbra:main:meta");
  await command(port, "CLUSTER", "SETSLOT", slot, "NODE", id);
  await refused(/MOVED|CROSSSLOT/);
});
