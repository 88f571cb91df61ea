/**
 * Rules at a local: which way connections take, whose names are resolved, and
 * what is refused.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientRoutes } from "../../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../../src/routes/acl/read_acl.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import { ownAnswer, readQuestion } from "../../../../src/codec/dns_records.ts";
import { readDnsQuery } from "../../../../src/codec/dns_message.ts";
import { frameMessage } from "../../../../src/service/dns/dns_tcp.ts";
import type { LocalRoutes } from "../../../../src/service/routing/rule_router.ts";
import { silentMetrics } from "../../../../src/observe.ts";
import type { Connection, Transport } from "../../../../src/transport.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readExactly, send } from "../../../support/streams.ts";
import { LOCAL, World } from "../../../support/world.ts";

const NAMES = {
  "direct.test": ["10.0.0.3"],
  "listed.test": ["10.9.0.1"],
  "other.test": ["10.0.0.4"],
  "self.test": ["127.0.0.1"],
};

const ACL = `[proxy_all]
[bypass_list]
|direct.test
|self.test
10.9.0.0/16
10.0.0.3
127.0.0.1
[outbound_block_list]
||ads.test
10.66.0.0/16
`;

function routes(resolve: LocalRoutes["resolve"] = "local"): LocalRoutes {
  const acl = readAcl([{ file: "x.acl", text: ACL }], () => undefined);
  return { table: clientRoutes(acl), resolve };
}

/** What an application is answered, and what the local has dialled for it. */
async function ask(
  host: string,
  options: {
    readonly routes?: LocalRoutes;
    readonly port?: number;
    readonly resolve?: Transport["resolve"];
  } = {},
): Promise<{ reply: number; dialled: string[]; resolved: string[] }> {
  const world = new World({ names: NAMES });
  const resolved: string[] = [];
  const { network } = world;
  const resolve = options.resolve ?? network.resolve.bind(network);
  network.resolve = (name, wait) => {
    resolved.push(name);
    return resolve(name, wait);
  };
  for (const host of ["10.0.0.3", "10.9.0.1", "10.0.0.4"]) {
    await network.listen({ host, port: 80 });
  }
  await network.listen({ host: "10.0.0.2", port: 8388 });
  await world.local({ routes: options.routes ?? routes() });
  const port = (options.port ?? 80).toString(16).padStart(4, "0");
  const ip = /^\d/.test(host);
  const address = ip
    ? "01" + Uint8Array.from(host.split("."), Number).toHex()
    : "03" + host.length.toString(16).padStart(2, "0") + utf8(host).toHex();
  const asking = world.connect(`050100${address}${port}`);
  // What waits for a look-up is given up after its time.
  await world.clock.advance(0);
  await settle();
  await world.clock.advance(2_000);
  const { client, reply } = await asking;
  client.close();
  await world.stop();
  const [, ...dialled] = network.dialled;
  return { reply: reply[1]!, dialled, resolved };
}

const PROXY = "10.0.0.2:8388";

test("a name of the bypass list is dialled, and only then resolved", async () => {
  const { reply, dialled } = await ask("direct.test");
  assert.deepEqual([reply, dialled], [0, ["10.0.0.3:80"]]);
});

test("a name that no list has is compared by its addresses", async () => {
  const listed = await ask("listed.test");
  assert.deepEqual([listed.reply, listed.dialled], [0, ["10.9.0.1:80"]]);
  const other = await ask("other.test");
  assert.deepEqual([other.reply, other.dialled], [0, [PROXY]]);
  assert.deepEqual(other.resolved, ["other.test"]);
});

test("a name is never resolved where the routes forbid it", async () => {
  const never = await ask("listed.test", { routes: routes("never") });
  assert.deepEqual(never, { reply: 0, dialled: [PROXY], resolved: [] });
});

test("a look-up that fails, or takes too long, leaves it to the other rules", async () => {
  const failed = await ask("unknown.test");
  assert.deepEqual([failed.reply, failed.dialled], [0, [PROXY]]);
  const silent = await ask("listed.test", {
    resolve: () => new Promise(() => {}),
  });
  assert.deepEqual([silent.reply, silent.dialled], [0, [PROXY]]);
});

test("the leak guard refuses look-ups for rules, and those are counted", async () => {
  for (const leakGuard of [false, true]) {
    const counted: string[] = [];
    const world = new World({ names: NAMES });
    world.metrics = {
      ...silentMetrics,
      lookedUp: (why) => void counted.push(why),
    };
    const resolved: string[] = [];
    const resolve = world.network.resolve.bind(world.network);
    world.network.resolve = (name, wait) => {
      resolved.push(name);
      return resolve(name, wait);
    };
    await world.network.listen({ host: "10.9.0.1", port: 80 });
    await world.network.listen({ host: "10.0.0.3", port: 80 });
    await world.network.listen({ host: "10.0.0.2", port: 8388 });
    await world.local({ routes: { ...routes(), leakGuard } });
    for (const host of ["listed.test", "direct.test"]) {
      const length = host.length.toString(16).padStart(2, "0");
      const { client, reply } = await world.connect(
        `05010003${length}${utf8(host).toHex()}0050`,
      );
      assert.equal(reply[1], 0);
      client.close();
    }
    await world.stop();
    const [, ...dialled] = world.network.dialled.filter((to) =>
      !to.endsWith(":1080")
    );
    assert.deepEqual(dialled, ["10.0.0.3:80"]);
    assert.deepEqual(
      counted,
      leakGuard ? ["refused", "direct"] : ["route", "direct", "direct"],
    );
    assert.deepEqual(
      resolved,
      leakGuard
        ? ["direct.test"]
        : ["listed.test", "listed.test", "direct.test"],
    );
  }
});

test("a name is resolved through the server where routes say so", async () => {
  const world = new World({ names: NAMES });
  await world.server({ targetPolicy: () => undefined });
  await world.network.listen({ host: "10.9.0.1", port: 80 });
  await world.network.listen({ host: "10.0.0.4", port: 80 });
  const asked: string[] = [];
  const resolver = await world.network.listen({ host: "10.0.0.53", port: 53 });
  const answer = async (connection: Connection): Promise<void> => {
    const reader = connection.readable.getReader();
    for (let next; (next = await reader.read()).value;) {
      const message = next.value.subarray(2);
      const query = readDnsQuery(message)!;
      const { name, type } = readQuestion(query.question);
      asked.push(`${name} ${type}`);
      const addresses = type === 1 && name === "listed.test"
        ? [Uint8Array.of(10, 9, 0, 1)]
        : [];
      const bytes = ownAnswer(message, query, { addresses, ttlSeconds: 60 });
      await send(connection, frameMessage(bytes));
    }
  };
  (async () => {
    for (let next; (next = await resolver.accept());) {
      answer(next.connection).catch(() => {});
    }
  })();
  const resolved: string[] = [];
  const resolve = world.network.resolve.bind(world.network);
  world.network.resolve = (name, wait) => {
    resolved.push(name);
    return resolve(name, wait);
  };
  await world.local({
    routes: {
      ...routes("remote"),
      resolver: { host: "10.0.0.53", port: 53 },
    },
  });
  for (const [name, way] of [["listed", "10.9.0.1:80"], ["other", PROXY]]) {
    const host = `${name}.test`;
    const length = host.length.toString(16).padStart(2, "0");
    const { client, reply } = await world.connect(
      `05010003${length}${utf8(host).toHex()}0050`,
    );
    assert.equal(reply[1], 0);
    assert.equal(world.network.dialled.at(-1), way);
    client.close();
  }
  assert.deepEqual(asked.toSorted(), [
    ...["listed.test 1", "listed.test 28", "other.test 1", "other.test 28"],
  ]);
  // Only what is dialled directly was resolved here.
  assert.deepEqual(resolved, ["listed.test"]);
  await world.stop();
});

test("a blocked target is refused as not allowed", async () => {
  for (const host of ["ads.test", "x.ads.test", "10.66.1.1"]) {
    const { reply, dialled, resolved } = await ask(host);
    assert.deepEqual([reply, dialled, resolved], [2, [], []], host);
  }
});

test("an address of the bypass list is dialled", async () => {
  const { reply, dialled, resolved } = await ask("10.0.0.3");
  assert.deepEqual([reply, dialled, resolved], [0, ["10.0.0.3:80"], []]);
});

test("a direct way never leads to the local itself", async () => {
  for (const host of ["127.0.0.1", "self.test"]) {
    const { reply, dialled } = await ask(host, { port: 1080 });
    assert.deepEqual([reply, dialled], [2, []], host);
  }
});

test("setRoutes() counts for new connections", async () => {
  const world = new World({ names: NAMES });
  await world.network.listen({ host: "10.0.0.3", port: 80 });
  await world.network.listen({ host: "10.0.0.2", port: 8388 });
  const local = await world.local();
  const request = "0501000a00000300".replace("0501000a", "050100010a") + "50";
  await world.connect(request);
  assert.equal(world.network.dialled.at(-1), PROXY);
  local.setRoutes(routes());
  await world.connect(request);
  assert.equal(world.network.dialled.at(-1), "10.0.0.3:80");
  local.setRoutes();
  await world.connect(request);
  assert.equal(world.network.dialled.at(-1), PROXY);
  await world.stop();
});

test("the log names the rule, the counters the way, of each connection", async () => {
  const counted: string[] = [];
  const world = new World({ names: NAMES });
  world.metrics = {
    ...silentMetrics,
    routed: (to, network) => void counted.push(`${network} ${to}`),
  };
  await world.network.listen({ host: "10.0.0.3", port: 80 });
  await world.network.listen({ host: "10.0.0.2", port: 8388 });
  await world.local({ routes: routes("never") });
  for (const host of ["0a000003", "0a000004", "0a420101"]) {
    const { client } = await world.connect(`05010001${host}0050`);
    client.close();
  }
  await world.stop();
  assert.deepEqual(counted, ["tcp direct", "tcp proxy", "tcp block"]);
  const told = world.lines.flatMap(({ fields: { route } }) => route ?? []);
  assert.deepEqual(told.toSorted(), [
    'block: [outbound_block_list] ip_cidr "10.66.0.0/16" (x.acl:10)',
    'direct: [bypass_list] ip_cidr "10.0.0.3" (x.acl:6)',
    "proxy: [proxy_all]",
  ]);
});

test("a decision that waits for a name is reported once it is made", async () => {
  const world = new World({ names: NAMES });
  await world.network.listen({ host: "10.9.0.1", port: 80 });
  await world.local({ routes: routes() });
  const name = "listed.test";
  const { client } = await world.connect(
    `050100030b${utf8(name).toHex()}0050`,
  );
  client.close();
  await world.stop();
  const told = world.lines.flatMap(({ fields: { route } }) => route ?? []);
  assert.deepEqual(told, [
    'direct: [bypass_list] ip_cidr "10.9.0.0/16" (x.acl:5)',
  ]);
});

test("a rule on users holds for the user of SOCKS5 and of HTTP", async () => {
  const table = readRoutes([{ user: "alice", to: "block" }], {
    file: "c.json",
    outbounds: [],
    ruleSets: new Map(),
    nearest: () => undefined,
  });
  const users = ["alice", "bob"].map((username) => ({
    username,
    password: "p",
  }));
  for (const [username, rep] of [["alice", 2], ["bob", 0]] as const) {
    const world = new World({ names: NAMES });
    await world.network.listen({ host: "10.0.0.2", port: 8388 });
    await world.local({ users, routes: { table, resolve: "never" } });
    const client = await world.network.dial(LOCAL);
    const length = username.length.toString(16).padStart(2, "0");
    await send(client, hex(`05010201${length}${utf8(username).toHex()}0170`));
    await send(client, hex("050100010a0000030050"));
    assert.equal((await readExactly(client, 2 + 2 + 10))[5], rep, username);
    client.close();
    const browser = await world.network.dial(LOCAL);
    const basic = btoa(`${username}:p`);
    await send(
      browser,
      utf8(
        "CONNECT 10.0.0.3:80 HTTP/1.1\r\nHost: 10.0.0.3\r\n" +
          `Proxy-Authorization: Basic ${basic}\r\n\r\n`,
      ),
    );
    const reader = browser.readable.getReader();
    const { value } = await reader.read();
    const status = `HTTP/1.1 ${rep === 0 ? 200 : 403} `;
    assert.ok(new TextDecoder().decode(value).startsWith(status), username);
    reader.releaseLock();
    browser.close();
    await world.stop();
    assert.ok(world.lines.every(({ fields }) => fields["user"] === username));
  }
});
