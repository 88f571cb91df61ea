/**
 * Names behind the addresses that a local is asked for: remembered ones, for
 * rules, and made-up addresses, which become names again.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../../src/cli/options/nearest.ts";
import { parseIp } from "../../../../src/codec/ip_address.ts";
import { clientRoutes } from "../../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../../src/routes/acl/read_acl.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import type { RouteTable } from "../../../../src/routes/route_table.ts";
import { parseCidr } from "../../../../src/security/target_policy.ts";
import { FakeIps } from "../../../../src/service/dns/fake_ips.ts";
import { LocalNames } from "../../../../src/service/dns/local_names.ts";
import { ReverseNames } from "../../../../src/service/dns/reverse_names.ts";
import { settle } from "../../../support/fake_clock.ts";
import { Application, Peer, stopped } from "../../../support/udp_world.ts";
import { World } from "../../../support/world.ts";

const PROXY = "10.0.0.2:8388";

/** The world, with `here.test` remembered and `fake.test` made up. */
function scene(): { world: World; names: LocalNames } {
  const world = new World({
    names: { "fake.test": ["10.0.0.3"], "here.test": ["10.0.0.3"] },
  });
  const reverse = new ReverseNames(world.clock);
  const fake = new FakeIps({
    ipv4: parseCidr("198.18.0.0/15")!,
    ipv6: parseCidr("fdfe:dcba:9876::/64")!,
  });
  const addresses = [parseIp("10.0.0.3")!];
  reverse.remember("here.test", { addresses, ttlSeconds: 60 });
  fake.addressOf("fake.test", "ipv4");
  return { world, names: new LocalNames(reverse, fake) };
}

function table(list: unknown): RouteTable {
  return readRoutes(list, {
    file: "c.json",
    outbounds: [],
    ruleSets: new Map(),
    nearest,
  });
}

/** The reply to a SOCKS request for 10.0.0.3:80, or another address in hex. */
async function ask(
  routes: RouteTable | undefined,
  address = "0a000003",
): Promise<{ reply: number; dialled: string[]; told: unknown[] }> {
  const { world, names } = scene();
  await world.network.listen({ host: "10.0.0.2", port: 8388 });
  await world.network.listen({ host: "10.0.0.3", port: 80 });
  await world.local({
    names,
    routes: routes && { table: routes, resolve: "never" },
  });
  const { client, reply } = await world.connect(`05010001${address}0050`);
  client.close();
  await world.stop();
  const [, ...dialled] = world.network.dialled;
  const told = world.lines.flatMap(({ fields: { route, target } }) =>
    target === undefined ? [] : [`${target} ${route ?? ""}`]
  );
  return { reply: reply[1]!, dialled, told };
}

test("a rule on a name holds for an address that was its answer", async () => {
  const direct = await ask(table([{ domain: "here.test", to: "direct" }]));
  assert.deepEqual(direct.dialled, ["10.0.0.3:80"]);
  assert.deepEqual(direct.told, [
    '10.0.0.3:80 direct: routes[0] domain "here.test"',
  ]);
  const blocked = await ask(table([{ domain: "here.test", to: "block" }]));
  assert.equal(blocked.reply, 2);
  const other = await ask(
    table([{ domain: "here.test", to: "block" }]),
    "0a000004",
  );
  assert.deepEqual([other.reply, other.dialled], [0, [PROXY]]);
});

test("rules on the address hold for it as well", async () => {
  const routes = table([{ ip_cidr: "10.0.0.3", to: "direct" }]);
  assert.deepEqual((await ask(routes)).dialled, ["10.0.0.3:80"]);
  // Those of an ACL's block list are for targets that are addresses.
  const text = "[outbound_block_list]\n10.0.0.3\n";
  const acl = readAcl([{ file: "x.acl", text }], () => undefined);
  assert.equal((await ask(clientRoutes(acl))).reply, 2);
});

test("a made-up address is its name to rules and to the server", async () => {
  const routes = table([{ domain: "fake.test", to: "direct" }]);
  const direct = await ask(routes, "c6120001");
  assert.deepEqual(direct.dialled, ["10.0.0.3:80"]);
  assert.deepEqual(direct.told, [
    'fake.test:80 direct: routes[0] domain "fake.test"',
  ]);
  const proxied = await ask(undefined, "c6120001");
  assert.deepEqual(proxied.dialled, [PROXY]);
  assert.deepEqual(proxied.told, ["fake.test:80 "]);
});

test("a made-up address without a name is refused", async () => {
  const { reply, dialled } = await ask(undefined, "c6120002");
  assert.deepEqual([reply, dialled], [4, []]);
});

test("a datagram to a made-up address reaches the name, and its answer comes from there", async () => {
  const { world, names } = scene();
  const udp = { mode: "tcp_and_udp" } as const;
  await world.server({ ...udp, targetPolicy: () => undefined });
  await world.local({ ...udp, names });
  const far = await Peer.echo(world, { host: "10.0.0.3", port: 7 });
  const app = await Application.start(world, 4_000);
  await app.ask("hello", { host: "198.18.0.1", port: 7 });
  await app.ask("nobody", { host: "198.18.0.2", port: 7 });
  await settle();
  await app.ask("by itself", { host: "10.0.0.3", port: 7 });
  await settle();
  assert.deepEqual(far.texts, ["hello", "by itself"]);
  assert.deepEqual(app.answers, [
    "198.18.0.1:7 hello",
    "10.0.0.3:7 by itself",
  ]);
  app.connection.close();
  const drops = (await stopped(world)).flatMap((line) =>
    line["ERR_FAKE_IP_UNKNOWN"] ?? []
  );
  assert.deepEqual(drops, [1]);
});
