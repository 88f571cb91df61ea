import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openSqliteStore } from "../../../../src/adapters/store/sqlite_store.ts";
import {
  Observations,
  serviceStatus,
} from "../../../../src/admin/observations.ts";
import type {
  ServerStatus,
  UserStatus,
} from "../../../../src/admin/operator.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { configureServer } from "../../../../src/cli/config/config.ts";
import { Fleet } from "../../../../src/cli/run/fleet.ts";
import { ProvidersInUse } from "../../../../src/cli/tools/crypto.ts";
import { Supervisor } from "../../../../src/cli/run/supervisor.ts";
import { parseSsrUri } from "../../../../src/codec/ssr_uri.ts";
import { parseServerUri } from "../../../../src/codec/uri.ts";
import { masterKeyFromPassword } from "../../../../src/crypto/master_key.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { ConfigError, TransportError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { clientProtocol } from "../../../../src/session/families.ts";
import type { Connection } from "../../../../src/transport.ts";
import type { UserStore } from "../../../../src/users.ts";
import { seededBytes } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { sourcesOf } from "../../../support/sources.ts";
import { observe, send } from "../../../support/streams.ts";
import { accepted, TARGET, World } from "../../../support/world.ts";

const HOST = "10.0.0.2";
const METHOD = "aes-128-gcm";
const folder = mkdtempSync(join(tmpdir(), "umbra-supervisor-"));
after(() => rmSync(folder, { recursive: true, force: true }));

interface FileUser {
  readonly name: string;
  readonly password: string;
  readonly "quota_bytes"?: number;
}

const SPARE = { address: HOST, method: METHOD, password: "spare" };

/** A supervised server in memory, and its configuration file. */
class Bench {
  readonly world = new World({ capacity: 1 << 20 });
  readonly observations = new Observations(this.world.clock);
  readonly ciphers = new ProvidersInUse(
    "noble",
    this.world.dependencies.logger!,
  );
  file: string;
  readonly supervisor: Supervisor;

  constructor(
    config: object,
    store?: UserStore,
    publicHost?: string,
    options: readonly string[] = [],
  ) {
    this.file = JSON.stringify(config);
    const argv = ["-c", "umbra.json", ...options];
    const args = parseArguments(findCommand("server")!, argv);
    const configure = () => configureServer(args, sourcesOf(() => this.file));
    const world = {
      ...this.world.dependencies,
      metrics: this.observations,
    };
    this.supervisor = new Supervisor(configure(), {
      configure,
      ciphers: this.ciphers,
      world,
      clock: this.world.clock,
      randomBytes: systemRandomBytes,
      logger: world.logger!,
      fleet: new Fleet({ logger: world.logger!, withFields: false }),
      store,
      publicHost,
      guessHost: () => "guessed.example",
      programStatus: () => ({
        version: "0",
        runtime: "test",
        role: "server",
        startedUnixMs: 0,
        nowUnixMs: 0,
        ready: true,
        ...serviceStatus(this.observations.snapshot),
        connections: { open: 0, accepted: 0, limit: 1 },
        eventLoopLagMs: 0,
        residentBytes: 0,
        crypto: [],
        legacy: [],
      }),
    });
  }

  async started(): Promise<this> {
    await this.supervisor.start();
    return this;
  }

  server(id = "8388"): ServerStatus {
    return this.supervisor.status().servers.find((one) => one.id === id)!;
  }

  user(name: string, id = "8388"): UserStatus | undefined {
    return this.server(id).users.find((one) => one.name === name);
  }

  /** Connects with a password; the target has it once this settles. */
  async connect(password: string, port = 8388): Promise<Connection> {
    const method = findMethod(METHOD);
    const masterKey = masterKeyFromPassword(password, method);
    const client = await this.world.network.dial({ host: HOST, port });
    const session = clientProtocol({ method, masterKey }, {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: this.world.clock,
      randomBytes: systemRandomBytes,
    }).stream();
    await send(client, session.request(TARGET, seededBytes(100)));
    await settle();
    return client;
  }

  /** As `connect()`; tells later how the connection has ended. */
  async watch(password: string, port?: number): Promise<() => string> {
    const seen = observe(await this.connect(password, port));
    await settle();
    return () => seen().end;
  }

  async stop(): Promise<void> {
    const stopping = this.supervisor.stop(0);
    await this.world.clock.advance(0);
    await stopping;
    assert.equal(this.world.network.openListeners, 0);
  }
}

function config(users: readonly FileUser[], port = 8388): object {
  return {
    server: HOST,
    server_port: port,
    method: METHOD,
    users,
    allow_private: "all",
  };
}

const ANN = { name: "ann", password: "ann's" };
const BOB = { name: "bob", password: "bob's" };

test("reload() changes users and ports, and keeps the connections of all that remain", async () => {
  const bench = await new Bench(config([ANN, BOB])).started();
  const target = await bench.world.target();
  const ann = await bench.connect(ANN.password);
  const far = await accepted(target);
  const bob = await bench.watch(BOB.password);
  await accepted(target);

  const file = bench.file;
  bench.file = JSON.stringify(config([ANN, { name: "carl", password: "c" }]));
  const { changes } = await bench.supervisor.reload(true);
  assert.deepEqual(changes, [
    "ss-server 10.0.0.2:8388: user bob is removed",
    "ss-server 10.0.0.2:8388: user carl is added",
  ]);
  assert.ok(bench.user("bob"), "a dry run changes nothing");
  await bench.supervisor.reload(false);
  await settle();
  assert.notEqual(bob(), "open");
  assert.equal(bench.user("carl")?.usage.open, 0);
  assert.deepEqual((await bench.supervisor.reload(false)).changes, []);

  bench.file = JSON.stringify(config([ANN], 8389));
  await bench.supervisor.reload(false);
  await assert.rejects(bench.connect(ANN.password), TransportError);
  await bench.connect(ANN.password, 8389);
  const seen = observe(ann);
  await send(far, seededBytes(50));
  await settle();
  assert.ok(seen().received.length > 50, "a retired port serves who is there");
  assert.equal(seen().end, "open");

  bench.file = file;
  await bench.supervisor.reload(false);
  await bench.connect(BOB.password);
  target.close();
  await bench.stop();
});

test("the methods in use are those that serve, whatever a dry run looks at", async () => {
  const bench = await new Bench(config([ANN])).started();
  const { supervisor, ciphers } = bench;
  const used = (): string[] => ciphers.chosen.map(({ method }) => method);
  assert.deepEqual(used(), [METHOD]);
  bench.file = bench.file.replaceAll(METHOD, "aes-256-gcm");
  await supervisor.reload(true);
  assert.deepEqual(used(), [METHOD]);
  await supervisor.reload(false);
  assert.deepEqual(used(), ["aes-256-gcm"]);
  await supervisor.addServer({ port: 9, password: "x", method: METHOD });
  assert.deepEqual(used(), ["aes-256-gcm", METHOD]);
  supervisor.removeServer("9");
  assert.deepEqual(used(), ["aes-256-gcm"]);
  await bench.stop();
});

test("what is changed at run time leaves a line in the log, without a secret", async () => {
  const bench = await new Bench(config([ANN])).started();
  const { supervisor, world } = bench;
  const before = world.lines.length;
  supervisor.addUser("8388", { name: "bob", password: "secret-1" });
  supervisor.changeUser("8388", "bob", {
    disabled: true,
    password: "secret-2",
  });
  supervisor.changeUser("8388", "bob", { limits: { maxHosts: 1 } });
  supervisor.clearCounts("8388", "bob");
  supervisor.removeUser("8388", "bob");
  await supervisor.addServer({ port: 9, password: "secret-3" });
  supervisor.removeServer("9");
  const lines = world.lines.slice(before);
  assert.deepEqual(
    lines.filter(({ fields }) => fields["user"] === "bob")
      .map(({ level, message, fields }) => [level, message, fields["server"]]),
    [
      ["info", "user added", "8388"],
      ["info", "user changed: another password, disabled", "8388"],
      ["info", "user changed: other limits", "8388"],
      ["info", "counts cleared", "8388"],
      ["info", "user removed", "8388"],
    ],
  );
  const ports = lines.filter(({ fields }) => fields["port"] === 9);
  assert.deepEqual(ports.map(({ message }) => message), [
    "server added at run time",
    "server removed at run time",
  ]);
  assert.doesNotMatch(JSON.stringify(lines), /secret/);
  await bench.stop();
});

test("reload() changes nothing, when the file is wrong or a port is taken", async () => {
  const bench = await new Bench(config([ANN])).started();
  const before = bench.supervisor.status().servers;
  const broken = [
    "{",
    JSON.stringify(config([ANN, ANN])),
    JSON.stringify({ ...config([ANN]), method: "rot13" }),
  ];
  for (const file of broken) {
    bench.file = file;
    await assert.rejects(bench.supervisor.reload(false), ConfigError);
    assert.deepEqual(bench.supervisor.status().servers, before);
  }
  const blocker = await bench.world.network.listen({ host: HOST, port: 9000 });
  bench.file = JSON.stringify({
    ...config([BOB]),
    servers: [8389, 9000].map((server_port) => ({
      ...config([BOB], server_port),
    })),
  });
  await assert.rejects(bench.supervisor.reload(false), {
    code: "ERR_NET_ADDRESS_IN_USE",
  });
  assert.deepEqual(bench.supervisor.status().servers, before);
  await assert.rejects(bench.connect(BOB.password, 8389), TransportError);
  blocker.close();
  await bench.stop();
});

test("users can be added, changed and removed while it runs", async () => {
  const bench = await new Bench(config([ANN])).started();
  const { supervisor } = bench;
  const target = await bench.world.target();
  supervisor.addUser("8388", { name: "bob", limits: { maxConnections: 1 } });
  const { password, uri } = supervisor.credentials("8388", "bob")!;
  assert.match(uri, /^ss:\/\/.*@10\.0\.0\.2:8388#bob$/);
  const first = await bench.watch(password);
  await accepted(target);
  const second = await bench.watch(password);
  assert.notEqual(second(), "open", "one connection is the limit");
  assert.equal(bench.user("bob")!.usage.bytesUp, 100);

  supervisor.changeUser("8388", "bob", { limits: {} });
  assert.equal(first(), "open");
  await bench.connect(password);
  await accepted(target);
  supervisor.changeUser("8388", "bob", { disabled: true });
  await settle();
  assert.notEqual(first(), "open");
  supervisor.changeUser("8388", "bob", { disabled: false, password: "new" });
  const third = await bench.watch("new");
  await accepted(target);
  supervisor.clearCounts("8388", "bob");
  assert.equal(bench.user("bob")!.usage.bytesUp, 0);
  supervisor.removeUser("8388", "bob");
  await settle();
  assert.notEqual(third(), "open");
  assert.equal(bench.user("bob"), undefined);
  assert.equal(bench.server().usage.bytesUp, 300, "the server's total stays");
  target.close();
  await bench.stop();
});

test("a change that cannot be is refused, and changes nothing", async () => {
  const bench = await new Bench(config([ANN])).started();
  const { supervisor } = bench;
  const refused = (act: () => void): void => assert.throws(act, ConfigError);
  refused(() => supervisor.addUser("8388", ANN));
  refused(() =>
    supervisor.addUser("8388", { name: "eve", password: ANN.password })
  );
  const unknown = (act: () => void): void => assert.throws(act, RangeError);
  unknown(() => supervisor.addUser("1", BOB));
  unknown(() => supervisor.changeUser("8388", "bob", {}));
  unknown(() => supervisor.clearCounts("8388", "bob"));
  assert.equal(supervisor.credentials("8388", "bob"), undefined);
  assert.deepEqual(bench.server().users.map(({ name }) => name), ["ann"]);
  await bench.stop();
});

test("users of the file are changed and removed, and the store remembers it", async () => {
  const path = join(folder, "seed.db");
  const open = (): UserStore => openSqliteStore(path);
  const users = [ANN, { name: "carl", password: "carl's" }];
  {
    using store = open();
    const bench = await new Bench(config(users), store).started();
    const { supervisor } = bench;
    const target = await bench.world.target();
    const old = await bench.watch(ANN.password);
    await accepted(target);
    supervisor.changeUser("8388", "ann", { limits: { quotaBytes: 500 } });
    assert.equal(bench.user("ann")!.origin, "changed");
    assert.deepEqual(bench.user("ann")!.limits, { quotaBytes: 500 });
    assert.equal(old(), "open", "her key is that of the file");
    assert.equal(supervisor.credentials("8388", "ann")!.password, ANN.password);
    supervisor.changeUser("8388", "ann", { password: "new" });
    assert.equal(supervisor.credentials("8388", "ann")!.password, "new");
    const again = await bench.watch("new");
    await accepted(target);
    assert.equal(again(), "open");
    const carl = await bench.watch("carl's");
    await accepted(target);
    supervisor.removeUser("8388", "carl");
    await settle();
    assert.notEqual(carl(), "open");
    assert.equal(bench.user("carl"), undefined);
    assert.throws(() => supervisor.changeUser("8388", "carl", {}), RangeError);
    target.close();
    await bench.stop();
  }
  using store = open();
  const bench = await new Bench(config(users), store).started();
  const { supervisor } = bench;
  assert.deepEqual(
    bench.server().users.map(({ name, origin, limits }) => [
      name,
      origin,
      limits.quotaBytes,
    ]),
    [["ann", "changed", 500]],
  );
  assert.equal(supervisor.credentials("8388", "ann")!.password, "new");
  const told = [
    "user ann of port 8388 was changed at run time, which overrides the " +
    "configuration",
    "user carl of port 8388 was removed at run time, which overrides the " +
    "configuration",
  ];
  assert.deepEqual(
    bench.world.lines.map(({ message }) => message)
      .filter((message) => message.startsWith("user ")).toSorted(),
    told,
  );
  const { warnings } = await supervisor.reload(true);
  assert.deepEqual(warnings.toSorted(), told);
  // Who comes back is of the file again, with a key of its own.
  supervisor.addUser("8388", { name: "carl" });
  assert.equal(bench.user("carl")!.origin, "changed");
  assert.notEqual(supervisor.credentials("8388", "carl")!.password, "carl's");
  // Users that are no longer in the file are forgotten too.
  bench.file = JSON.stringify(config([ANN]));
  await supervisor.reload(false);
  assert.equal(bench.user("carl"), undefined);
  await bench.stop();
});

test("a change that cannot be kept is refused, and changes nothing", async () => {
  const path = join(folder, "lost.db");
  using store = openSqliteStore(path);
  const bench = await new Bench(config([ANN]), store).started();
  const { supervisor } = bench;
  supervisor.addUser("8388", BOB);
  renameSync(path, `${path}-elsewhere`);
  const eve = { name: "eve", password: "eve's" };
  for (
    const act of [
      () => supervisor.addUser("8388", eve),
      () => supervisor.changeUser("8388", "bob", { disabled: true }),
      () => supervisor.removeUser("8388", "bob"),
    ]
  ) {
    assert.throws(act, { code: "ERR_STORE_GONE" });
    assert.deepEqual(
      bench.server().users.map(({ name, disabled }) => [name, disabled]),
      [["ann", false], ["bob", false]],
    );
  }
  renameSync(`${path}-elsewhere`, path);
  supervisor.addUser("8388", eve);
  assert.equal(bench.user("eve")?.origin, "api");
  await bench.stop();
});

test("nothing listens again, once the end has begun", async () => {
  const bench = await new Bench(config([ANN])).started();
  const target = await bench.world.target();
  const seen = await bench.watch(ANN.password);
  const stopping = bench.supervisor.stop(1_000);
  bench.file = JSON.stringify({ ...config([ANN]), "server_port": 8389 });
  await assert.rejects(bench.supervisor.reload(false), /is stopping/);
  const more = { port: 8390, password: "p" };
  await assert.rejects(bench.supervisor.addServer(more), /is stopping/);
  assert.equal(seen(), "open");
  target.close();
  await bench.world.clock.advance(1_000);
  await stopping;
});

test("a user is given the host by which the server is reached", async () => {
  const bench = new Bench(config([ANN]), undefined, "vpn.example");
  const { uri } = bench.supervisor.credentials("8388", "ann")!;
  assert.match(uri, /@vpn\.example:8388#ann$/);
  await bench.stop();
});

test("two servers on one port are refused, at the start and by a reload", async () => {
  const [first, second] = [8388, 8389].map((port) => ({ ...SPARE, port }));
  const twice = new Bench({ servers: [first, first] });
  const message = /^ConfigError: ss-server .*:8388 is configured twice/;
  await assert.rejects(twice.started(), message);
  const bench = await new Bench({ servers: [first, second] }).started();
  bench.file = JSON.stringify({ servers: [first, second, second] });
  for (const dryRun of [true, false]) {
    await assert.rejects(
      bench.supervisor.reload(dryRun),
      /is configured twice/,
    );
  }
  await bench.stop();
});

test("the last user stays, where everybody could connect without", async () => {
  const psk = "AAAAAAAAAAAAAAAAAAAAAA==";
  const bench = await new Bench({
    server: HOST,
    server_port: 8388,
    method: "2022-blake3-aes-128-gcm",
    password: psk,
  }).started();
  const { supervisor } = bench;
  supervisor.addUser("8388", { name: "ann" });
  supervisor.addUser("8388", { name: "bob" });
  const { uri } = supervisor.credentials("8388", "ann")!;
  assert.ok(uri.includes(encodeURIComponent(`${psk}:`)), uri);
  supervisor.removeUser("8388", "bob");
  assert.throws(() => supervisor.removeUser("8388", "ann"), ConfigError);
  await bench.stop();
});

test("a raw key of 2017 has no URI, which would hold it as a password", async () => {
  const raw = "AAAAAAAAAAAAAAAAAAAAAA==";
  const bench = await new Bench({
    ...config([BOB]),
    key: raw,
    users: [{ name: "ann", key: raw.replace("A", "B") }, BOB],
  }).started();
  const { supervisor } = bench;
  assert.equal(supervisor.credentials("8388", ""), undefined);
  assert.equal(supervisor.credentials("8388", "ann"), undefined);
  const { uri, password } = supervisor.credentials("8388", "bob")!;
  assert.equal(password, BOB.password);
  assert.equal(parseServerUri(uri).password, BOB.password);
  await bench.stop();
});

test("each of two addresses of a port has URIs of its own users", async () => {
  const bench = await new Bench({
    servers: [config([ANN]), { ...config([BOB]), server: "10.0.0.3" }],
  }).started();
  const hostOf = (name: string): string =>
    parseServerUri(bench.supervisor.credentials("8388", name)!.uri).host;
  assert.deepEqual([hostOf("ann"), hostOf("bob")], [HOST, "10.0.0.3"]);
  await bench.stop();
});

test("servers can be added and removed; one is replaced in place", async () => {
  const bench = await new Bench(config([ANN])).started();
  const { supervisor } = bench;
  const target = await bench.world.target();
  await supervisor.addServer({ port: 9001, password: "one" });
  const first = await bench.watch("one", 9001);
  await accepted(target);
  await supervisor.addServer({ port: 9001, password: "two" });
  await bench.connect("two", 9001);
  await accepted(target);
  assert.equal(first(), "open");
  assert.equal(bench.server("9001").usage.connections, 2);
  assert.ok(bench.server("9001").managed);
  await assert.rejects(
    supervisor.addServer({ port: 8388, password: "x" }),
    ConfigError,
  );
  const blocker = await bench.world.network.listen({ host: HOST, port: 9002 });
  await assert.rejects(
    supervisor.addServer({ port: 9002, password: "x" }),
    TransportError,
  );
  assert.equal(bench.server("9002"), undefined);
  await bench.supervisor.reload(false);
  assert.ok(bench.server("9001"), "a reload leaves it alone");
  assert.equal(supervisor.removeServer("9001"), true);
  assert.equal(supervisor.removeServer("9001"), false);
  assert.equal(supervisor.removeServer("8388"), false);
  await assert.rejects(bench.connect("two", 9001), TransportError);
  assert.equal(first(), "open");
  blocker.close();
  target.close();
  await bench.stop();
});

test("users and counts outlive the program, in the store", async () => {
  const path = join(folder, "kept.db");
  const quota = { ...ANN, "quota_bytes": 250 };
  for (let round = 1; round <= 3; round++) {
    using store = openSqliteStore(path);
    const bench = await new Bench(config([quota]), store).started();
    const target = await bench.world.target();
    if (round === 1) bench.supervisor.addUser("8388", BOB);
    const seen = await bench.watch(ANN.password);
    if (round < 3) {
      await accepted(target);
      await bench.connect(BOB.password);
    } else assert.notEqual(seen(), "open", "the quota counts all rounds");
    const rounds = Math.min(round, 2);
    assert.equal(bench.user("ann")!.usage.bytesUp, 100 * rounds);
    assert.equal(bench.user("bob")!.usage.connections, round);
    target.close();
    // As after a kill -9: what was not written within 5 s is lost.
    await bench.world.clock.advance(5_000);
    if (round === 2) await bench.connect(BOB.password);
    await bench.stop();
  }
  using store = openSqliteStore(path);
  const kept = new Map(store.counts().map((one) => [one.name, one.counts]));
  assert.equal(kept.get("bob")?.connections, 3);
  assert.equal(kept.get("")?.bytesUp, 400);
});

test("users of ShadowsocksR are added, changed and given links like others", async () => {
  const file = {
    server: HOST,
    "server_port": 8388,
    password: "port",
    method: "aes-256-cfb",
    protocol: "auth_aes128_md5",
    obfs: "tls1.2_ticket_auth_compatible",
    "allow_legacy": true,
    users: [{ name: "alice", uid: 1, password: "a", "quota_bytes": 9 }],
  };
  const bench = await new Bench(file).started();
  const { supervisor } = bench;
  assert.match(bench.server().method, /^ShadowsocksR \(aes-256-cfb, /);
  assert.equal(bench.user("alice")!.limits.quotaBytes, 9);
  const alice = parseSsrUri(supervisor.credentials("8388", "alice")!.uri);
  assert.equal(alice.password, "port");
  assert.equal(alice.protocolParam, "1:a");
  assert.equal(alice.obfs, "tls1.2_ticket_auth");

  supervisor.addUser("8388", { name: "bob" });
  const bob = parseSsrUri(supervisor.credentials("8388", "bob")!.uri);
  assert.match(bob.protocolParam!, /^\d+:.{20,}$/);
  assert.equal(bob.tag, "bob");
  supervisor.changeUser("8388", "bob", { password: "7:x" });
  const changed = parseSsrUri(supervisor.credentials("8388", "bob")!.uri);
  assert.equal(changed.protocolParam, "7:x");
  for (const password of ["no number", "1:taken by alice"]) {
    assert.throws(
      () => supervisor.changeUser("8388", "bob", { password }),
      ConfigError,
    );
  }
  const kept = parseSsrUri(supervisor.credentials("8388", "bob")!.uri);
  assert.equal(kept.protocolParam, "7:x");

  bench.file = JSON.stringify({ ...file, obfs: "plain" });
  const { changes } = await supervisor.reload(false);
  assert.deepEqual(changes, [
    "ss-server 10.0.0.2:8388: method ShadowsocksR (aes-256-cfb, " +
    "auth_aes128_md5, plain)",
  ]);
  bench.file = JSON.stringify({ ...file, "allow_legacy": false });
  await assert.rejects(supervisor.reload(false), /--allow-legacy/);
  await bench.stop();
});

test("the user of a port of mudb.json is seen, counted, and not changed here", async () => {
  const user = { user: "carl", port: 8388, passwd: "p", method: "none" };
  const mudb = [{
    ...{ ...user, protocol: "origin", obfs: "plain" },
    ...{ "transfer_enable": 1_000, u: 100, d: 200 },
  }];
  const options = ["--allow-legacy"];
  const bench = await new Bench(mudb, undefined, undefined, options).started();
  const { supervisor } = bench;
  assert.deepEqual(bench.user("carl")!.limits, { quotaBytes: 700 });
  assert.equal(bench.user("carl")!.origin, "file");
  const { uri } = supervisor.credentials("8388", "carl")!;
  assert.equal(parseSsrUri(uri).password, "p");
  assert.throws(
    () => supervisor.changeUser("8388", "carl", { disabled: true }),
    /in the configuration file/,
  );
  assert.throws(
    () => supervisor.addUser("8388", { name: "carl" }),
    ConfigError,
  );
  bench.file = JSON.stringify([{ ...mudb[0], "transfer_enable": 2_000 }]);
  const { changes } = await supervisor.reload(false);
  assert.deepEqual(changes, [
    "ss-server 0.0.0.0:8388: user carl: quota_bytes 1.66 KiB, was 700 B",
  ]);
  assert.equal(bench.user("carl")!.limits.quotaBytes, 1_700);
  await bench.stop();
});
