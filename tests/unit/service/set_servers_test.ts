import assert from "node:assert/strict";
import { test } from "node:test";
import { startDns } from "../../../src/service/dns/dns_inbound.ts";
import type { UpstreamServer } from "../../../src/service/outbound/shadowsocks.ts";
import type { Endpoint } from "../../../src/transport.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readExactly, send } from "../../support/streams.ts";
import { Application, ECHO, Peer } from "../../support/udp_world.ts";
import { accepted, SERVER, World } from "../../support/world.ts";

const OTHER: Endpoint = { host: "10.0.0.4", port: 8388 };
const GONE: Endpoint = { host: "10.0.0.9", port: 1 };

function at({ method, masterKey }: World, endpoint: Endpoint): UpstreamServer {
  return { endpoint, method, masterKey };
}

/** Servers that were dialled, in order. */
function dialled({ network }: World): string[] {
  return network.dialled.filter((to) => /:(8388|1)$/.test(to));
}

test("setServers() sends new connections elsewhere, and leaves open ones alone", async () => {
  const world = new World();
  await world.server();
  await world.server({ listen: OTHER });
  const local = await world.local();
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("one"));
  const far = await accepted(target);

  local.setServers([at(world, OTHER)]);
  const second = await world.connect();
  await send(second.client, utf8("two"));
  assert.deepEqual(
    await readExactly(await accepted(target), 3),
    utf8("two"),
  );
  assert.deepEqual(dialled(world), ["10.0.0.2:8388", "10.0.0.4:8388"]);

  await send(client, utf8(" and more"));
  assert.deepEqual(await readExactly(far, 12), utf8("one and more"));
  await send(far, utf8("yes"));
  assert.deepEqual(await readExactly(client, 3), utf8("yes"));
  await world.stop();
});

test("setServers() keeps what is known of a server that stays in the list", async () => {
  const world = new World({
    dialFailures: new Map([["10.0.0.9:1", "ERR_NET_REFUSED" as const]]),
  });
  await world.server();
  const local = await world.local({
    servers: [at(world, GONE), at(world, SERVER)],
  });
  await world.connect();
  local.setServers([at(world, GONE), at(world, SERVER), at(world, OTHER)]);
  await world.connect();
  assert.deepEqual(dialled(world), [
    "10.0.0.9:1",
    "10.0.0.2:8388",
    "10.0.0.2:8388",
  ]);
  await world.stop();
});

test("setServers() does not confuse a dial that is under way", async () => {
  const failures = new Map<string, "ERR_NET_REFUSED" | "hang">([
    ["10.0.0.9:1", "hang"],
  ]);
  const world = new World({ dialFailures: failures });
  await world.server();
  await world.server({ listen: OTHER });
  const local = await world.local({
    servers: [at(world, GONE), at(world, SERVER)],
    connectTimeoutMs: 1_000,
  });
  const connecting = world.connect();
  await settle();
  local.setServers([at(world, OTHER)]);
  await world.clock.advance(1_000);
  assert.equal((await connecting).reply[1], 0);
  await world.connect();
  assert.deepEqual(dialled(world), [
    "10.0.0.9:1",
    "10.0.0.2:8388",
    "10.0.0.4:8388",
  ]);
  await world.stop();
});

test("setServers() refuses an empty list, and goes on with the old one", async () => {
  const world = new World();
  await world.server();
  const local = await world.local();
  assert.throws(() => local.setServers([]), RangeError);
  assert.equal((await world.connect()).reply[1], 0);
  await world.stop();
});

test("setServers() sends the datagrams of new clients elsewhere", async () => {
  const world = new World();
  const mode = "tcp_and_udp";
  await world.server({ mode });
  const local = await world.local({ mode });
  await Peer.echo(world);
  const first = await Application.start(world, 4_001);
  await first.ask("one");
  await settle();
  const elsewhere = await Peer.bind(world, OTHER);
  local.setServers([at(world, OTHER)]);
  await first.ask("two");
  const second = await Application.start(world, 4_002);
  await second.ask("three");
  await settle();
  const echo = `${ECHO.host}:${ECHO.port}`;
  assert.deepEqual(first.answers, [`${echo} one`, `${echo} two`]);
  assert.deepEqual(second.answers, []);
  assert.equal(elsewhere.datagrams.length, 1);
  await world.stop();
});

test("setServers() of a DNS inbound lets another server ask", async () => {
  const world = new World();
  const listen = { host: "127.0.0.1", port: 5_300 };
  const first = await Peer.bind(world, SERVER);
  const second = await Peer.bind(world, OTHER);
  const dns = await startDns({
    listen,
    resolver: { host: "10.0.0.53", port: 53 },
    servers: [at(world, SERVER)],
  }, world.dependencies);
  const query = hex("000101000001000000000000056b6e6f776e0000010001");
  const ask = async (port: number): Promise<void> => {
    const client = await world.network.bind({ host: "127.0.0.1", port });
    await client.send(query, listen);
    await settle();
  };
  await ask(4_001);
  dns.setServers([at(world, OTHER)]);
  await ask(4_002);
  assert.equal(first.datagrams.length, 1);
  assert.equal(second.datagrams.length, 1);
  await world.stop(dns);
});
