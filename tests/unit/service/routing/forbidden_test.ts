/**
 * Tests addresses and ports that no client of a server reaches, over TCP and
 * UDP.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  anyTarget,
  forbidding,
  parseCidr,
  publicTarget,
  publicTargetOr,
} from "../../../../src/security/target_policy.ts";
import type { ServerOptions } from "../../../../src/service/server/server.ts";
import { outboundRoutes } from "../../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../../src/routes/acl/read_acl.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readAll, send } from "../../../support/streams.ts";
import { PacketPeer, Peer, stopped } from "../../../support/udp_world.ts";
import { TARGET, World } from "../../../support/world.ts";

const FORBIDDEN = ["10.0.0.3", "fd00::/16"].map((text) => parseCidr(text)!);
const CLIENT = { host: "10.0.1.1", port: 4_000 };

test("forbidding() refuses blocks in every form of their addresses, and opens nothing", () => {
  const policy = forbidding(anyTarget, FORBIDDEN);
  for (
    const ip of ["10.0.0.3", "::ffff:10.0.0.3", "64:ff9b::a00:3", "fd00:9::1"]
  ) assert.equal(policy(ip), "forbidden by forbidden_ip", ip);
  for (const ip of ["10.0.0.4", "fd01::1", "8.8.8.8"]) {
    assert.equal(policy(ip), undefined, ip);
  }
  assert.equal(policy("224.0.0.1"), "multicast");
  assert.equal(forbidding(publicTarget, FORBIDDEN)("10.0.0.3"), "private");
  // An address that is both allowed and forbidden is forbidden.
  const both = forbidding(publicTargetOr(FORBIDDEN), FORBIDDEN);
  assert.equal(both("10.0.0.3"), "forbidden by forbidden_ip");
});

/** Returns the addresses that a server dials for a request of a client. */
async function dialled(
  asked: string,
  options: Partial<ServerOptions>,
): Promise<{ targets: readonly string[]; reason: unknown }> {
  const world = new World({ names: { "name.test": ["10.0.0.3"] } });
  for (const port of [25, 80]) await world.target({ ...TARGET, port });
  await world.target({ host: "10.0.0.4", port: 80 });
  await world.server(options);
  await world.local();
  const { client } = await world.connect(`050100${asked}`);
  await send(client, utf8("x"));
  await settle();
  const [line] = world.logged("code", "ERR_POLICY_TARGET");
  if (line !== undefined) {
    assert.equal((await readAll(client.readable)).length, 0);
  }
  client.close();
  await world.stop();
  return {
    targets: world.network.dialled.filter((one) =>
      /^10\.0\.0\.[34]:/.test(one)
    ),
    reason: line?.fields["reason"],
  };
}

const name = utf8("name.test").toHex();
const MAIL = "010a0000030019";
const WEB = "010a0000030050";
const NAMED = `0309${name}0050`;
const OTHER = "010a0000040050";

test("no client reaches a forbidden address, by address or by name", async () => {
  const options = { targetPolicy: forbidding(anyTarget, FORBIDDEN) };
  for (const [asked, what] of [[WEB, "10.0.0.3"], [NAMED, "name.test"]]) {
    assert.deepEqual(await dialled(asked!, options), {
      targets: [],
      reason: `Cannot dial ${what}: its address is forbidden by forbidden_ip`,
    });
  }
  assert.deepEqual((await dialled(OTHER, options)).targets, ["10.0.0.4:80"]);
  assert.deepEqual((await dialled(WEB, {})).targets, ["10.0.0.3:80"]);
});

test("no client reaches a forbidden port, with rules or without", async () => {
  const text = "[outbound_block_list]\n10.0.0.4\n";
  const acl = readAcl([{ file: "s.acl", text }], () => undefined);
  const targets = outboundRoutes(acl);
  const forbiddenPorts = [{ from: 1, to: 24 }, { from: 25, to: 25 }];
  for (const rules of [{}, { routes: { targets, clients: targets } }]) {
    const options = { forbiddenPorts, ...rules };
    assert.deepEqual(await dialled(MAIL, options), {
      targets: [],
      reason: "Cannot reach 10.0.0.3 port 25: forbidden by forbidden_port",
    });
    assert.deepEqual((await dialled(WEB, options)).targets, ["10.0.0.3:80"]);
  }
});

test("datagrams reach neither forbidden addresses nor forbidden ports", async () => {
  const world = new World({ names: { "name.test": ["10.0.0.3"] } });
  const service = await world.server({
    mode: "tcp_and_udp",
    targetPolicy: forbidding(anyTarget, FORBIDDEN),
    forbiddenPorts: [{ from: 50, to: 60 }],
  });
  const places = [
    { host: "10.0.0.3", port: 7 },
    { host: "10.0.0.4", port: 53 },
    { host: "10.0.0.4", port: 7 },
  ];
  const peers: Peer[] = [];
  for (const place of places) peers.push(await Peer.echo(world, place));
  const client = await PacketPeer.bind(world, CLIENT);
  for (const place of [...places, { host: "name.test", port: 7 }]) {
    await client.ask("x", place);
    await settle();
  }
  assert.deepEqual(peers.map(({ texts }) => texts), [[], [], ["x"]]);
  // The forbidden targets may change while the server runs.
  const { method, masterKey } = world;
  service.update({ method, masterKey });
  await client.ask("y", places[1]);
  await settle();
  assert.deepEqual(peers[1]!.texts, ["y"]);
  await stopped(world);
});
