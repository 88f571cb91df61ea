/**
 * DNS by routes: two resolvers that answer differently, and answers of our own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../../src/cli/options/nearest.ts";
import {
  readDnsAnswer,
  readDnsQuery,
} from "../../../../src/codec/dns_message.ts";
import {
  addressesIn,
  addressQuery,
  DNS_TYPE,
  ownAnswer,
  readQuestion,
} from "../../../../src/codec/dns_records.ts";
import { formatIp, parseIp } from "../../../../src/codec/ip_address.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import { parseCidr } from "../../../../src/security/target_policy.ts";
import {
  type DnsOptions,
  type DnsService,
  startDns,
} from "../../../../src/service/dns/dns_inbound.ts";
import { FakeIps } from "../../../../src/service/dns/fake_ips.ts";
import { LocalNames } from "../../../../src/service/dns/local_names.ts";
import { ReverseNames } from "../../../../src/service/dns/reverse_names.ts";
import type { LocalRoutes } from "../../../../src/service/routing/rule_router.ts";
import type { Endpoint } from "../../../../src/transport.ts";
import { settle } from "../../../support/fake_clock.ts";
import { SERVER, World } from "../../../support/world.ts";

const DNS = { host: "127.0.0.1", port: 5_300 };
const FAR = { host: "10.0.0.53", port: 53 };
const NEAR = { host: "192.168.0.53", port: 53 };

/** What resolvers say; another one on each side. */
const FAR_ADDRESSES: Readonly<Record<string, string>> = {
  "there.test": "10.9.0.1",
  "six.test": "2001:db8::1",
};
const FAR_ADDRESS = "10.1.1.1";
const NEAR_ADDRESS = "192.168.1.1";

/** A resolver that has an address for every name, and tells what it was asked. */
async function resolver(
  world: World,
  at: Endpoint,
  addressOf: (name: string) => string,
): Promise<string[]> {
  const socket = await world.network.bind(at);
  const asked: string[] = [];
  (async () => {
    for (let datagram; (datagram = await socket.receive());) {
      const { payload, from } = datagram;
      const query = readDnsQuery(payload)!;
      const { name, type } = readQuestion(query.question);
      asked.push(`${name} ${type}`);
      const address = parseIp(addressOf(name!))!;
      const isIts = type === (address.length === 4 ? 1 : 28);
      const addresses = isIts ? [address] : [];
      await socket.send(
        ownAnswer(payload, query, { addresses, ttlSeconds: 60 }),
        from,
      );
    }
  })();
  return asked;
}

function routes(list: unknown): LocalRoutes {
  const table = readRoutes(list, {
    file: "c.json",
    outbounds: [],
    ruleSets: new Map(),
    nearest,
  });
  return { table, resolve: "never" };
}

class Scene {
  readonly world = new World({ names: { "there.test": ["10.0.0.2"] } });
  far: string[] = [];
  near: string[] = [];
  service!: DnsService;
  #port = 4_000;

  static async start(options: Partial<DnsOptions> = {}): Promise<Scene> {
    const scene = new Scene();
    const { world } = scene;
    const { method, masterKey } = world;
    await world.server({ mode: "tcp_and_udp" });
    scene.far = await resolver(
      world,
      FAR,
      (name) => FAR_ADDRESSES[name] ?? FAR_ADDRESS,
    );
    scene.near = await resolver(world, NEAR, () => NEAR_ADDRESS);
    scene.service = await startDns({
      listen: DNS,
      resolver: FAR,
      direct: NEAR,
      servers: [{ endpoint: SERVER, method, masterKey }],
      ...options,
    }, world.dependencies);
    return scene;
  }

  /** The addresses in the answer to a program, or its code. */
  async ask(
    name: string,
    type: number = DNS_TYPE.a,
  ): Promise<string> {
    const { network } = this.world;
    const client = await network.bind({
      host: "127.0.0.1",
      port: this.#port++,
    });
    await client.send(addressQuery(1, name, type)!, DNS);
    const datagram = await Promise.race([client.receive(), settle()]);
    client.close();
    if (typeof datagram !== "object") return "silence";
    const { payload } = datagram;
    const code = payload[3]! & 0xf;
    if (code !== 0) return `code ${code}`;
    const { question } = readDnsAnswer(payload)!;
    const { addresses } = addressesIn(payload, question);
    return addresses.map(formatIp).join() || "empty";
  }

  async stop(): Promise<void> {
    await this.world.stop(this.service);
    await this.world.stop();
    assert.deepEqual(
      this.world.lines.filter(({ level }) => level === "error"),
      [],
    );
  }
}

test("a name is asked of the resolver of its route, and of no other", async () => {
  const scene = await Scene.start({
    routes: routes([
      { domain_suffix: "corp.test", to: "direct" },
      { domain: "ads.test", to: "block" },
    ]),
  });
  assert.equal(await scene.ask("a.corp.test"), NEAR_ADDRESS);
  assert.equal(await scene.ask("other.test"), FAR_ADDRESS);
  assert.equal(await scene.ask("ads.test"), "code 3");
  assert.equal(await scene.ask("ads.test", DNS_TYPE.https), "code 3");
  // Of each way an answer of its own is kept.
  assert.equal(await scene.ask("a.corp.test"), NEAR_ADDRESS);
  assert.deepEqual([scene.near, scene.far], [
    ["a.corp.test 1"],
    ["other.test 1"],
  ]);
  scene.service.setRoutes(routes([{ to: "proxy" }]));
  assert.equal(await scene.ask("a.corp.test"), FAR_ADDRESS);
  scene.service.setRoutes(routes([{ to: "direct" }]));
  assert.equal(await scene.ask("other.test"), NEAR_ADDRESS);
  await scene.stop();
});

test("answers of the direct resolver are forgotten in another network", async () => {
  const scene = await Scene.start({
    routes: routes([{ domain_suffix: "corp.test", to: "direct" }]),
  });
  const names = ["a.corp.test", "other.test"];
  for (const name of names) await scene.ask(name);
  scene.world.networkChanges.change();
  for (const name of names) await scene.ask(name);
  assert.deepEqual([scene.near, scene.far], [
    ["a.corp.test 1", "a.corp.test 1"],
    ["other.test 1"],
  ]);
  await scene.stop();
  assert.equal(scene.world.networkChanges.listeners, 0);
});

test("direct names are asked of the resolver of another network", async () => {
  const other = { host: "192.168.9.53", port: 53 };
  let now: Endpoint | undefined = NEAR;
  const scene = await Scene.start({
    routes: routes([{ domain_suffix: "corp.test", to: "direct" }]),
    directNow: () => now,
  });
  const { world, service } = scene;
  const asked = await resolver(world, other, () => "192.0.2.99");
  assert.equal(await scene.ask("a.corp.test"), NEAR_ADDRESS);
  now = other;
  assert.equal(await scene.ask("b.corp.test"), NEAR_ADDRESS);
  world.networkChanges.change();
  assert.equal(await scene.ask("a.corp.test"), "192.0.2.99");
  const way = service.status.ways.find(({ way }) => way === "direct");
  assert.equal(way!.resolver, "192.168.9.53:53");
  // Where a network has no resolver of its own, the last one stays.
  now = undefined;
  world.networkChanges.change();
  service.setRoutes(routes([{ to: "direct" }]));
  assert.equal(await scene.ask("c.corp.test"), "192.0.2.99");
  assert.equal(scene.near.length, 2);
  assert.equal(asked.length, 2);
  await scene.stop();
});

test("a DNS inbound tells what each way was asked, and what came of it", async () => {
  const scene = await Scene.start({
    routes: routes([{ domain_suffix: "corp.test", to: "direct" }]),
  });
  const { service, world } = scene;
  await scene.ask("a.corp.test");
  await scene.ask("a.corp.test");
  await scene.ask("other.test");
  const { status } = service;
  assert.deepEqual(status, {
    address: "127.0.0.1:5300",
    ways: [
      {
        ...{ way: "proxy", resolver: "10.0.0.53:53" },
        ...{ asked: 1, cached: 0, failed: 0 },
      },
      {
        ...{ way: "direct", resolver: "192.168.0.53:53" },
        ...{ asked: 2, cached: 1, failed: 0 },
      },
    ],
    answers: 2,
    // The two answers have one address each.
    names: 2,
  });
  service.setServers([{
    endpoint: { host: "10.0.0.99", port: 1 },
    method: world.method,
    masterKey: world.masterKey,
  }]);
  await scene.ask("unheard.test");
  await world.clock.advance(30_000);
  const [proxy] = service.status.ways;
  assert.equal(proxy!.failed, 1);
  assert.match(String(proxy!.lastErrorCode), /^ERR_NET_/);
  await scene.stop();
});

test("a route that depends on a port or a network is passed over", async () => {
  const scene = await Scene.start({
    routes: routes([
      { domain: "a.test", port: 443, to: "block" },
      { network: "udp", to: "block" },
      { port: 80, invert: true, to: "block" },
      { domain: "a.test", to: "direct" },
    ]),
  });
  assert.equal(await scene.ask("a.test"), NEAR_ADDRESS);
  assert.equal(await scene.ask("b.test"), FAR_ADDRESS);
  await scene.stop();
});

test("where addresses decide, the server's side is asked for them first", async () => {
  const scene = await Scene.start({
    routes: routes([
      { ip_cidr: "10.9.0.0/16", to: "direct" },
      { ip_cidr: "2001:db8::/32", to: "block" },
    ]),
  });
  assert.equal(await scene.ask("there.test"), NEAR_ADDRESS);
  assert.deepEqual([scene.far, scene.near], [["there.test 1"], [
    "there.test 1",
  ]]);
  assert.equal(await scene.ask("other.test"), FAR_ADDRESS);
  assert.equal(await scene.ask("six.test", DNS_TYPE.aaaa), "code 3");
  // Another type has no addresses that could decide.
  assert.equal(await scene.ask("there.test", 16), "empty");
  assert.deepEqual(scene.near, ["there.test 1"]);
  await scene.stop();
});

test("what the program itself needs is asked directly, whatever routes say", async () => {
  const scene = await Scene.start({
    ownNames: ["server.test"],
    routes: routes([{ to: "block" }]),
  });
  assert.equal(await scene.ask("server.test"), NEAR_ADDRESS);
  await scene.stop();
});

test("what programs are told is remembered, and what is made up is not", async () => {
  const clock = new World().clock;
  const fake = new FakeIps({
    ipv4: parseCidr("198.18.0.0/15")!,
    ipv6: parseCidr("fdfe:dcba:9876::/64")!,
  });
  const names = new LocalNames(new ReverseNames(clock), fake);
  const scene = await Scene.start({
    names,
    routes: routes([{ domain_suffix: "corp.test", to: "direct" }]),
    isTrue: (name) => name === "true.test",
    ownNames: ["server.test"],
  });
  assert.equal(await scene.ask("a.corp.test"), NEAR_ADDRESS);
  assert.equal(names.nameOf(parseIp(NEAR_ADDRESS)!), "a.corp.test");
  assert.equal(await scene.ask("true.test"), FAR_ADDRESS);
  assert.equal(names.nameOf(parseIp(FAR_ADDRESS)!), "true.test");
  assert.equal(await scene.ask("server.test"), NEAR_ADDRESS);
  assert.equal(await scene.ask("far.test"), "198.18.0.1");
  assert.equal(await scene.ask("six.test", DNS_TYPE.aaaa), "fdfe:dcba:9876::2");
  assert.equal(await scene.ask("far.test", DNS_TYPE.https), "empty");
  assert.equal(await scene.ask("far.test", DNS_TYPE.svcb), "empty");
  assert.equal(names.nameOf(parseIp("198.18.0.1")!), undefined);
  // Other types pass.
  assert.equal(await scene.ask("far.test", 16), "empty");
  assert.deepEqual(scene.far, ["true.test 1", "far.test 16"]);
  await scene.stop();
});

test("a name of a server's own route is asked through that server", async () => {
  const other = { host: "10.0.0.4", port: 8_388 };
  const world = new World();
  const { method, masterKey } = world;
  await world.server({ mode: "tcp_and_udp" });
  await world.server({ listen: other, mode: "tcp_and_udp" });
  const seen: string[] = [];
  const socket = await world.network.bind(FAR);
  (async () => {
    for (let datagram; (datagram = await socket.receive());) {
      seen.push(datagram.from.host);
    }
  })();
  const { table } = routes([]);
  const named = readRoutes([{ domain: "a.test", to: "far" }], {
    file: "c.json",
    outbounds: ["far"],
    ruleSets: new Map(),
    nearest,
  });
  const service = await startDns({
    listen: DNS,
    resolver: FAR,
    direct: NEAR,
    servers: [SERVER, other].map((endpoint, i) => ({
      endpoint,
      name: ["near", "far"][i]!,
      method,
      masterKey,
    })),
    routes: {
      table: named,
      resolve: "never",
      groups: new Map([["far", ["far"]]]),
    },
  }, world.dependencies);
  const client = await world.network.bind({ host: "127.0.0.1", port: 4_000 });
  const sent: string[] = [];
  const send = world.network.bindOutgoing.bind(world.network);
  world.network.bindOutgoing = async () => {
    const socket = await send();
    const original = socket.post.bind(socket);
    socket.post = (bytes, to, posted) => {
      sent.push(to.host);
      original(bytes, to, posted);
    };
    return socket;
  };
  await client.send(addressQuery(1, "a.test", 1)!, DNS);
  await settle();
  await client.send(addressQuery(2, "b.test", 1)!, DNS);
  await settle();
  assert.deepEqual(sent.filter((host) => host !== FAR.host), [
    ...[other.host, SERVER.host],
  ]);
  assert.equal(seen.length, 2);
  // Routes without that way have no resolver for it.
  service.setRoutes({ table, resolve: "never" });
  await client.send(addressQuery(3, "a.test", 1)!, DNS);
  await settle();
  assert.equal(sent.filter((host) => host !== FAR.host).at(-1), SERVER.host);
  await world.stop(service);
  await world.stop();
});

test("startDns() refuses direct routes without a direct resolver", async () => {
  const world = new World();
  const { method, masterKey } = world;
  const options = {
    listen: DNS,
    resolver: FAR,
    servers: [{ endpoint: SERVER, method, masterKey }],
  };
  await assert.rejects(
    startDns({ ...options, routes: routes([]) }, world.dependencies),
    RangeError,
  );
  assert.equal(world.network.openListeners, 0);
  const service = await startDns(options, world.dependencies);
  assert.throws(() => service.setRoutes(routes([])), RangeError);
  await world.stop(service);
});
