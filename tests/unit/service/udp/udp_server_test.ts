import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Metrics } from "../../../../src/observe.ts";
import { silentMetrics } from "../../../../src/observe.ts";
import { publicTarget } from "../../../../src/security/target_policy.ts";
import { startServer } from "../../../../src/service/server/server.ts";
import { flowCapacity } from "../../../../src/service/udp/flow_share.ts";
import { seededBytes, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { ECHO, PacketPeer, Peer, stopped } from "../../../support/udp_world.ts";
import { SERVER, World } from "../../../support/world.ts";

const CLIENT = { host: "10.0.1.1", port: 4_000 };
const UDP = { mode: "tcp_and_udp" } as const;

describe("UDP of ss-server", () => {
  test("answers with the true source of each datagram", async () => {
    const names = { "echo.test": [ECHO.host] };
    const world = new World({ names });
    await world.server(UDP);
    const echo = await Peer.echo(world);
    const client = await PacketPeer.bind(world, CLIENT);
    await client.ask("by address");
    await client.ask("by name", { host: "Echo.Test", port: 7 });
    await settle();
    assert.deepEqual(echo.texts, ["by address", "by name"]);
    assert.deepEqual(client.answers, [
      "10.0.0.3:7 by address",
      "10.0.0.3:7 by name",
    ]);
    // Full cone: somebody the client never spoke to.
    const stranger = await Peer.bind(world, { host: "10.9.9.9", port: 99 });
    await stranger.socket.send(utf8("hello"), echo.datagrams[0]!.from);
    await settle();
    assert.equal(client.answers.at(-1), "10.9.9.9:99 hello");
    const [line] = await stopped(world);
    assert.deepEqual([line?.relayedUp, line?.relayedDown], [2, 3]);
    assert.equal(world.network.openSockets, 3);
  });

  test("keeps clients apart, and a client that changes its port working", async () => {
    const world = new World();
    await world.server(UDP);
    const echo = await Peer.echo(world);
    const one = await PacketPeer.bind(world, CLIENT);
    const two = await PacketPeer.bind(world, { ...CLIENT, host: "10.0.1.2" });
    const moved = await PacketPeer.bind(world, { ...CLIENT, port: 4_001 });
    for (const client of [one, two, moved]) {
      await client.ask(client.socket.address.host);
      await settle();
    }
    assert.deepEqual(one.answers, ["10.0.0.3:7 10.0.1.1"]);
    assert.deepEqual(two.answers, ["10.0.0.3:7 10.0.1.2"]);
    assert.deepEqual(moved.answers, ["10.0.0.3:7 10.0.1.1"]);
    const sources = echo.datagrams.map(({ from }) => from.port);
    assert.equal(new Set(sources).size, 3);
    await one.ask("again");
    await settle();
    assert.equal(echo.datagrams.at(-1)!.from.port, sources[0]);
    await stopped(world);
  });

  test("says nothing to who does not know the key, and counts it", async () => {
    const world = new World();
    const dropped: string[] = [];
    const metrics: Metrics = {
      ...silentMetrics,
      datagramDropped: (code) => void dropped.push(code),
    };
    const { method, masterKey } = world;
    const service = await startServer(
      { listen: SERVER, method, masterKey, ...UDP },
      { ...world.dependencies, metrics },
    );
    const stranger = await Peer.bind(world, CLIENT);
    for (const length of [0, 1, 47, 48, 55, 1_200, 65_507]) {
      await stranger.socket.send(seededBytes(length), SERVER);
    }
    await settle();
    assert.deepEqual(stranger.datagrams, []);
    assert.equal(world.network.openSockets, 2);
    assert.deepEqual(dropped, [
      ...Array(3).fill("ERR_SS_TRUNCATED"),
      ...Array(4).fill("ERR_SS_AUTHENTICATION"),
    ]);
    await world.stop(service);
  });

  test("ends the quietest flow, when there are more clients than flows", async () => {
    const world = new World();
    await world.server({ ...UDP, maxFlows: 500 });
    await Peer.echo(world);
    const first = await PacketPeer.bind(world, CLIENT);
    await first.ask("0");
    let mostOpen = 0;
    for (let i = 1; i < 5_000; i++) {
      const client = await PacketPeer.bind(world, {
        ...CLIENT,
        port: 4_000 + i,
      });
      await client.ask(String(i));
      // Never the quietest.
      if (i % 100 === 0) await first.ask(String(i));
      if (i % 10 === 0) await new Promise((resolve) => setTimeout(resolve));
      client.socket.close();
      mostOpen = Math.max(mostOpen, world.network.openSockets);
    }
    await settle();
    assert.ok(mostOpen <= 500 + 4, `${mostOpen} sockets`);
    assert.equal(first.answers.length, 50);
    const warnings = world.lines.filter(({ message }) => /limit/.test(message));
    assert.equal(warnings.length, 1);
    const [line] = await stopped(world);
    assert.equal(line?.flowsEvicted, 4_500);
    assert.equal(line?.flowsEnded, 500);
    assert.equal(world.network.openSockets, 2);
  });

  test("ends a flow after silence in both directions", async () => {
    const world = new World();
    await world.server({ ...UDP, udpTimeoutMs: 60_000 });
    const target = await Peer.bind(world, ECHO);
    const client = await PacketPeer.bind(world, CLIENT);
    await client.ask("hello");
    await world.clock.advance(50_000);
    const { from } = target.datagrams[0]!;
    await target.socket.send(utf8("late"), from);
    await world.clock.advance(59_999);
    assert.equal(world.network.openSockets, 4);
    await world.clock.advance(1);
    assert.equal(world.network.openSockets, 3);
    await target.socket.send(utf8("too late"), from);
    await client.ask("again");
    await settle();
    assert.deepEqual(client.answers, ["10.0.0.3:7 late"]);
    assert.notEqual(target.datagrams[1]!.from.port, from.port);
    const [line] = await stopped(world);
    assert.equal(line?.flowsIdle, 1);
    assert.equal(world.clock.pending, 0);
  });

  test("asks the policy about every address a name has", async () => {
    const names = {
      "inside.test": ["10.0.0.3"],
      "both.test": ["10.0.0.3", "192.88.99.1"],
    };
    const world = new World({ names });
    await world.server({ ...UDP, targetPolicy: publicTarget });
    const inside = await Peer.echo(world);
    const outside = await Peer.echo(world, { host: "192.88.99.1", port: 7 });
    const client = await PacketPeer.bind(world, CLIENT);
    for (const host of ["10.0.0.3", "inside.test", "both.test"]) {
      await client.ask(host, { host, port: 7 });
    }
    await settle();
    assert.deepEqual(inside.texts, []);
    assert.deepEqual(outside.texts, ["both.test"]);
    const [line] = await stopped(world);
    assert.equal(line?.ERR_POLICY_TARGET, 2);
  });

  test("lets no slow name hold up others, and bounds what waits for it", async () => {
    const slow = Promise.withResolvers<string[]>();
    const world = new World();
    const { network } = world;
    let lookups = 0;
    const transport = {
      ...world.dependencies.transport,
      bind: network.bind.bind(network),
      bindOutgoing: network.bindOutgoing.bind(network),
      listen: network.listen.bind(network),
      descriptorLimit: () => undefined,
      resolve(): Promise<string[]> {
        lookups++;
        return slow.promise;
      },
    };
    const { method, masterKey } = world;
    const service = await startServer(
      { listen: SERVER, method, masterKey, ...UDP },
      { ...world.dependencies, transport },
    );
    const echo = await Peer.echo(world);
    const client = await PacketPeer.bind(world, CLIENT);
    const other = await PacketPeer.bind(world, { ...CLIENT, port: 9 });
    for (let i = 0; i < 100; i++) {
      await client.ask(`slow ${i}`, { host: "slow.test", port: 7 });
    }
    await settle();
    assert.equal(lookups, 1);
    await other.ask("not slow");
    await settle();
    assert.deepEqual(echo.texts, ["not slow"]);
    slow.resolve([ECHO.host]);
    await settle();
    assert.deepEqual(
      echo.texts.slice(1),
      Array.from({ length: 64 }, (_, i) => `slow ${i}`),
    );
    await world.stop(service);
    const [line] = world.lines.filter(({ fields }) => "relayedUp" in fields);
    assert.equal(line?.fields["ERR_POLICY_LIMIT"], 36);
  });

  test("bounds what waits for a client that the system is slow to send to", async () => {
    const slow = Promise.withResolvers<void>();
    let isSlow = false;
    const world = new World({
      stall: ({ host }) =>
        isSlow && host === CLIENT.host ? slow.promise : undefined,
    });
    await world.server(UDP);
    const target = await Peer.bind(world, ECHO);
    const other = await PacketPeer.bind(world, { host: "10.0.1.2", port: 9 });
    const client = await PacketPeer.bind(world, CLIENT);
    await client.ask("hello");
    await other.ask("hello");
    await settle();
    isSlow = true;
    const [{ from }, { from: fromOther }] = target.datagrams as [
      Peer["datagrams"][number],
      Peer["datagrams"][number],
    ];
    for (let i = 0; i < 100; i++) await target.socket.send(utf8(`${i}`), from);
    await target.socket.send(utf8("not slow"), fromOther);
    await settle();
    assert.deepEqual(client.answers, []);
    assert.deepEqual(other.answers, ["10.0.0.3:7 not slow"]);
    slow.resolve();
    await settle();
    assert.equal(client.answers.length, 64);
    const [line] = await stopped(world);
    assert.equal(line?.ERR_POLICY_LIMIT, 36);
    assert.equal(line?.relayedDown, 65);
  });

  test("goes on, when no socket is left, a target is gone, or an answer too large", async () => {
    const world = new World({ maxSockets: 4, maxDatagram: 1_000 });
    await world.server(UDP);
    const target = await Peer.bind(world, ECHO);
    const client = await PacketPeer.bind(world, CLIENT);
    const other = await PacketPeer.bind(world, { ...CLIENT, port: 9 });
    // Four are open: no flow gets a socket.
    await client.ask("no socket");
    await settle();
    other.socket.close();
    await client.ask("a socket");
    await client.ask("nobody there", { host: "10.0.0.9", port: 9 });
    await settle();
    assert.deepEqual(target.texts, ["a socket"]);
    const { from } = target.datagrams[0]!;
    await target.socket.send(seededBytes(990), from);
    await target.socket.send(utf8("small"), from);
    await settle();
    assert.deepEqual(client.answers, ["10.0.0.3:7 small"]);
    const [line] = await stopped(world);
    assert.equal(line?.ERR_NET_DESCRIPTORS, 1);
    assert.equal(line?.ERR_NET_MESSAGE_SIZE, 1);
    assert.equal(line?.flowsFailed, 1);
  });

  test("serves UDP alone, TCP alone, or both on one port", async () => {
    for (
      const [mode, tcp, udp] of [["tcp_only", 1, 0], ["udp_only", 0, 1], [
        "tcp_and_udp",
        1,
        1,
      ]] as const
    ) {
      const world = new World();
      const service = await world.server({ mode });
      assert.deepEqual(service.address, SERVER);
      assert.equal(world.network.openListeners, tcp);
      assert.equal(world.network.openSockets, udp);
      await world.stop();
      assert.equal(world.network.openListeners, 0);
      assert.equal(world.network.openSockets, 0);
    }
  });

  test("keeps no listener, when its UDP port is taken", async () => {
    const world = new World();
    await world.network.bind(SERVER);
    await assert.rejects(world.server(UDP), { code: "ERR_NET_ADDRESS_IN_USE" });
    assert.equal(world.network.openListeners, 0);
  });
});

test("flowCapacity() leaves most descriptors to TCP", () => {
  assert.equal(flowCapacity(undefined, 1_024), 1_024);
  assert.equal(flowCapacity(1_000_000, 1_024), 1_024);
  assert.equal(flowCapacity(1_024, 1_024), 240);
  assert.equal(flowCapacity(10, 1_024), 1);
  assert.equal(flowCapacity(1_024, 9), 9);
  assert.equal(flowCapacity(1_000_000, 5_000), 5_000);
});
