/**
 * The protocol of `ss-manager`, over a network in memory.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type MemoryTransport,
  memoryTransport,
} from "../../../src/adapters/net/memory.ts";
import { bindManager, startManager } from "../../../src/admin/manager.ts";
import {
  formatList,
  formatStat,
  parseManagerRequest,
} from "../../../src/admin/manager_protocol.ts";
import { ConfigError, TransportError } from "../../../src/errors.ts";
import { MAX_MANAGER_DATAGRAM_LENGTH } from "../../../src/limits.ts";
import type { DatagramSocket, Endpoint } from "../../../src/transport.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { FakeClock, settle } from "../../support/fake_clock.ts";
import { FakeOperator } from "../../support/fake_operator.ts";
import type { LogLine } from "../../support/world.ts";

const MANAGER: Endpoint = { host: "127.0.0.1", port: 6_001 };

class ManagerWorld implements AsyncDisposable {
  readonly network: MemoryTransport = memoryTransport();
  readonly operator: FakeOperator = new FakeOperator();
  readonly lines: LogLine[] = [];
  readonly #client: DatagramSocket;
  readonly #stop: () => Promise<void>;

  private constructor(client: DatagramSocket, socket: DatagramSocket) {
    this.#client = client;
    const { stop } = startManager(socket, {
      operator: this.operator,
      clock: new FakeClock(),
      logger: {
        enabled: () => true,
        log: (level, message, fields = {}) =>
          this.lines.push({ level, message, fields }),
      },
    });
    this.#stop = stop;
  }

  static async start(): Promise<ManagerWorld> {
    const network = memoryTransport();
    const client = await network.bind({ host: "127.0.0.1", port: 0 });
    return new ManagerWorld(client, await bindManager(network, MANAGER));
  }

  /** Asks, and returns every datagram that came back at once. */
  async ask(request: string | Uint8Array): Promise<string[]> {
    const bytes = typeof request === "string" ? utf8(request) : request;
    await this.#client.send(bytes, MANAGER);
    await settle();
    const replies: string[] = [];
    for (;;) {
      const giveUp = new AbortController();
      const next = this.#client.receive({ signal: giveUp.signal })
        .catch(() => undefined);
      await settle();
      giveUp.abort();
      const datagram = await next;
      if (datagram === undefined) return replies;
      replies.push(new TextDecoder().decode(datagram.payload));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
    this.#client.close();
  }
}

describe("the manager", () => {
  test("adds, lists, replaces and removes, with libev's replies", async () => {
    await using world = await ManagerWorld.start();
    assert.deepEqual(await world.ask("list"), ["[\n]"]);
    assert.deepEqual(
      await world.ask('add: {"server_port":8001,"password":"p"}'),
      ["ok"],
    );
    assert.deepEqual(
      await world.ask(
        'add: {"server_port":"8002","password":"q\\"","method":"aes-128-gcm"}',
      ),
      ["ok"],
    );
    assert.deepEqual(await world.ask("list"), [
      '[\n\t{"server_port":"8001","password":"p","method":"aes-256-gcm"},' +
      '\n\t{"server_port":"8002","password":"q\\"","method":"aes-128-gcm"}\n]',
    ]);
    assert.deepEqual(
      await world.ask('add: {"server_port":8001,"password":"new"}'),
      ["ok"],
    );
    assert.match((await world.ask("list"))[0]!, /"8001","password":"new"/);
    assert.ok(!world.operator.calls.some((call) => call.startsWith("remove")));
    assert.deepEqual(await world.ask('remove: {"server_port":8001}'), ["ok"]);
    assert.deepEqual(await world.ask('remove: {"server_port":8001}'), ["ok"]);
    assert.doesNotMatch((await world.ask("list"))[0]!, /8001/);
  });

  test("tells the bytes of every port, both directions together", async () => {
    await using world = await ManagerWorld.start();
    world.operator.move("8388", "bob", { up: 3, down: 4 });
    await world.ask('add: {"server_port":8001,"password":"p"}');
    assert.deepEqual(await world.ask("ping"), ['stat: {"8388":7,"8001":0}']);
  });

  test("neither tells nor removes what is in the configuration", async () => {
    await using world = await ManagerWorld.start();
    world.operator.withServer("8389", "aes-256-gcm", "configured");
    assert.deepEqual(await world.ask("list"), ["[\n]"]);
    assert.deepEqual(await world.ask('remove: {"server_port":8389}'), ["err"]);
    assert.match(
      String(world.lines.at(-1)?.fields["reason"]),
      /in the configuration file: remove it there/,
    );
    assert.match((await world.ask("ping"))[0]!, /8389/);
    assert.deepEqual(
      await world.ask('add: {"server_port":8389,"password":"p"}'),
      ["port is not available"],
    );
  });

  test("says why a port could not be added, and keeps the one before", async () => {
    await using world = await ManagerWorld.start();
    await world.ask('add: {"server_port":8001,"password":"p"}');
    const again = 'add: {"server_port":8001,"password":"q"}';
    world.operator.addServerError = new TransportError(
      "ERR_NET_ADDRESS_IN_USE",
      "in use",
    );
    assert.deepEqual(await world.ask(again), ["port is not available"]);
    world.operator.addServerError = new ConfigError("ERR_CONFIG_VALUE", "no");
    assert.deepEqual(await world.ask(again), ["err"]);
    assert.equal(world.lines.length, 2);
    assert.match((await world.ask("list"))[0]!, /"8001","password":"p"/);
  });

  for (
    const request of [
      "add",
      "add: ",
      "add: {}",
      "add: []",
      "add: null",
      'add: {"server_port":8001}',
      'add: {"server_port":8001,"password":""}',
      'add: {"server_port":8001,"password":5}',
      'add: {"server_port":0,"password":"p"}',
      'add: {"server_port":65536,"password":"p"}',
      'add: {"server_port":"80x","password":"p"}',
      'add: {"server_port":1.5,"password":"p"}',
      'add: {"server_port":8001,"password":"p","method":5}',
      'add: {"server_port":8001,"password":"p","mode":"both"}',
      'add: {"server_port":8001,"password":"p","plugin":"obfs-server"}',
      'add: {"server_port":8001,"password":"p","users":[{"name":"a"}]}',
      'add: {"server_port":8001,"password":"p"',
      "remove: {}",
      "remove",
    ]
  ) {
    test(`answers err to ${request}`, async () => {
      await using world = await ManagerWorld.start();
      assert.deepEqual(await world.ask(request), ["err"]);
      assert.deepEqual(world.operator.calls, []);
    });
  }

  for (const request of ['stat: {"8001":123}', "hello", "", "ADD: {}", "\0"]) {
    test(`answers nothing to ${JSON.stringify(request)}`, async () => {
      await using world = await ManagerWorld.start();
      assert.deepEqual(await world.ask(request), []);
      assert.deepEqual(world.operator.calls, []);
    });
  }

  test("takes the forms that clients send", async () => {
    await using world = await ManagerWorld.start();
    for (
      const request of [
        'add:{"server_port":8001,"password":"p"}',
        '  add : {"server_port":8001,"password":"p"}\n\0',
        'add: {"server_port":8001,"password":"p","fast_open":true,"mode":"tcp_and_udp"}',
        'add: {"server_port":8001,"password":"p","plugin":"","plugin_opts":""}',
      ]
    ) assert.deepEqual(await world.ask(request), ["ok"], request);
  });

  test("takes requests of just the bound, and ignores longer ones", async () => {
    await using world = await ManagerWorld.start();
    const start = 'add: {"server_port":8001,"password":"';
    const fill = MAX_MANAGER_DATAGRAM_LENGTH - start.length - 2;
    const longest = `${start}${"p".repeat(fill)}"}`;
    assert.deepEqual(await world.ask(longest), ["ok"]);
    assert.deepEqual(await world.ask(`${longest} `), []);
  });

  test("goes on after an operator that fails", async () => {
    await using world = await ManagerWorld.start();
    world.operator.removeServer = () => {
      throw new TypeError("a defect");
    };
    assert.deepEqual(await world.ask('remove: {"server_port":1}'), []);
    assert.equal(world.lines[0]!.level, "error");
  });
});

describe("bindManager()", () => {
  test("refuses addresses that others can reach, unless told otherwise", async () => {
    const network = memoryTransport();
    for (const host of ["0.0.0.0", "::", "192.0.2.1", "manager.example"]) {
      const address = { host, port: 6_001 };
      await assert.rejects(bindManager(network, address), ConfigError);
      (await bindManager(network, { ...address, anywhere: true })).close();
    }
    assert.equal(network.openSockets, 0);
  });
});

test("formatList() cuts between entries, when they do not fit into one datagram", () => {
  const servers = Array.from({ length: 1_000 }, (_, i) => ({
    id: String(10_000 + i),
    password: "x".repeat(50),
    method: "aes-256-gcm",
  }));
  const datagrams = formatList(servers);
  assert.ok(datagrams.length > 1);
  for (const { length } of datagrams) {
    assert.ok(length <= MAX_MANAGER_DATAGRAM_LENGTH);
  }
  const texts = datagrams.map((bytes) => new TextDecoder().decode(bytes));
  assert.equal(JSON.parse(texts.join("")).length, servers.length);
});

test("formatStat() makes each datagram whole, when there are several", () => {
  const bytes = new Map(
    Array.from({ length: 5_000 }, (_, i) => [String(10_000 + i), 2 ** 50 + i]),
  );
  const datagrams = formatStat(bytes);
  assert.ok(datagrams.length > 1);
  const seen = datagrams.map((datagram) => {
    assert.ok(datagram.length <= MAX_MANAGER_DATAGRAM_LENGTH);
    return JSON.parse(new TextDecoder().decode(datagram).slice(6));
  });
  assert.deepEqual(
    Object.assign({}, ...seen),
    Object.fromEntries(bytes),
  );
  assert.deepEqual(formatStat(new Map()), [utf8("stat: {}")]);
});

test("parseManagerRequest() adds no port under another password than was sent", () => {
  const add = (password: string): string =>
    `add: {"server_port": 1, "password": "${password}"}`;
  assert.equal(parseManagerRequest(utf8(add("\\ud800x"))).command, "invalid");
  const latin1 = Uint8Array.from(add("caf\u00e9"), (c) => c.charCodeAt(0));
  assert.equal(parseManagerRequest(latin1).command, "ignored");
  assert.equal(parseManagerRequest(utf8(add("caf\u00e9"))).command, "add");
});

test("parseManagerRequest() takes bytes that are no text, and depth without end", () => {
  for (
    const bytes of [
      seededBytes(1_000),
      utf8("add: " + "[".repeat(32_000)),
      utf8("add: " + '{"a":'.repeat(6_000)),
    ]
  ) {
    const { command } = parseManagerRequest(bytes);
    assert.ok(command === "invalid" || command === "ignored");
  }
});
