/**
 * Rules for datagrams, at both ends.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clientAddressRoutes,
  clientRoutes,
  outboundRoutes,
} from "../../../../src/routes/acl/acl_routes.ts";
import { type Acl, readAcl } from "../../../../src/routes/acl/read_acl.ts";
import { readRoutes } from "../../../../src/routes/read_routes.ts";
import { encodeSocksDatagram } from "../../../../src/codec/socks5_datagram.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { readExactly, send } from "../../../support/streams.ts";
import { settle } from "../../../support/fake_clock.ts";
import {
  Application,
  PacketPeer,
  Peer,
  stopped,
} from "../../../support/udp_world.ts";
import { LOCAL, World } from "../../../support/world.ts";

const NAMES = {
  "near.test": ["10.9.0.1"],
  "far.test": ["10.0.0.3"],
  "ads.test": ["10.0.0.3"],
};

const UDP = { mode: "tcp_and_udp" } as const;

function acl(text: string): Acl {
  return readAcl([{ file: "u.acl", text }], () => undefined);
}

test("a local sends each datagram its way; one that waits for a name is lost", async () => {
  const world = new World({ names: NAMES });
  const table = clientRoutes(acl(
    "[proxy_all]\n[bypass_list]\n10.9.0.0/16\n[outbound_block_list]\n||ads.test\n",
  ));
  await world.server(UDP);
  await world.local({ ...UDP, routes: { table, resolve: "local" } });
  const near = await Peer.echo(world, { host: "10.9.0.1", port: 7 });
  const far = await Peer.echo(world, { host: "10.0.0.3", port: 7 });
  const app = await Application.start(world, 4_000);
  const ask = async (text: string, host: string): Promise<void> => {
    await app.ask(text, { host, port: 7 });
    for (let i = 0; i < 3; i++) await settle();
  };
  await ask("by address", "10.9.0.1");
  await ask("too early", "near.test");
  await ask("by name", "near.test");
  await ask("blocked", "ads.test");
  await ask("first of far", "far.test");
  await ask("through the server", "far.test");
  assert.deepEqual(near.texts, ["by address", "by name"]);
  assert.deepEqual(far.texts, ["through the server"]);
  assert.deepEqual(app.answers, [
    "10.9.0.1:7 by address",
    "10.9.0.1:7 by name",
    "10.0.0.3:7 through the server",
  ]);
  // The far end saw the server, the near end the local.
  const hosts = [...near.datagrams, ...far.datagrams].map(({ from }) =>
    from.port
  );
  assert.equal(new Set(hosts).size, 2);
  await stopped(world);
});

test("a rule on users holds for the datagrams of an association", async () => {
  const table = readRoutes([{ user: "alice", to: "direct" }], {
    file: "c.json",
    outbounds: [],
    ruleSets: new Map(),
    nearest: () => undefined,
  });
  for (const [username, texts] of [["alice", ["here"]], ["bob", []]] as const) {
    const world = new World();
    const users = [{ username, password: "p" }];
    await world.local({ ...UDP, users, routes: { table, resolve: "never" } });
    const peer = await Peer.echo(world, { host: "10.0.0.3", port: 7 });
    const client = await world.network.dial(LOCAL);
    const length = username.length.toString(16).padStart(2, "0");
    await send(client, hex(`05010201${length}${utf8(username).toHex()}0170`));
    await send(client, hex("05030001000000000000"));
    assert.equal((await readExactly(client, 14))[5], 0);
    const socket = await world.network.bind({ host: "127.0.0.1", port: 4_000 });
    const address = { host: "10.0.0.3", port: 7 };
    const wire = encodeSocksDatagram({ address, payload: utf8("here") });
    await socket.send(wire, LOCAL);
    for (let i = 0; i < 3; i++) await settle();
    assert.deepEqual(peer.texts, texts, username);
    client.close();
    socket.close();
    await stopped(world);
  }
});

test("a server drops datagrams for blocked targets, and of blocked clients", async () => {
  for (
    const [text, expected] of [
      ["[outbound_block_list]\n||ads.test\n10.9.0.0/16\n", ["far"]],
      ["[outbound_block_all]\n[outbound_allow_list]\n|ads.test\n", ["ads"]],
      ["[reject_all]\n[white_list]\n10.77.0.0/16\n", []],
      ["[accept_all]\n", ["far", "ads", "near"]],
    ] as const
  ) {
    const world = new World({ names: NAMES });
    const read = acl(text);
    await world.server({
      ...UDP,
      routes: {
        targets: outboundRoutes(read),
        clients: clientAddressRoutes(read),
      },
    });
    const far = await Peer.echo(world, { host: "10.0.0.3", port: 7 });
    const near = await Peer.echo(world, { host: "10.9.0.1", port: 7 });
    const client = await PacketPeer.bind(world, {
      host: "10.0.0.1",
      port: 5_000,
    });
    await client.ask("far", { host: "far.test", port: 7 });
    await client.ask("ads", { host: "ads.test", port: 7 });
    await client.ask("near", { host: "10.9.0.1", port: 7 });
    await settle();
    assert.deepEqual([...far.texts, ...near.texts], expected, text);
    await stopped(world);
  }
});
