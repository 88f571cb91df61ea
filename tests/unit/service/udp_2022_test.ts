/**
 * UDP of the 2022 edition through the services: sessions, recordings played
 * back, and clients that move.
 */
import assert from "node:assert/strict";
import { SERVICE_DEFAULTS } from "../../../src/service/options.ts";
import { describe, test } from "node:test";
import { METHODS } from "../../../src/crypto/method.ts";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import type { ErrorCode } from "../../../src/errors.ts";
import { startDns } from "../../../src/service/dns/dns_inbound.ts";
import { startUdpTunnel } from "../../../src/service/udp/udp_tunnel.ts";
import type { ClientKeys } from "../../../src/session/family.ts";
import { flipBit, hex, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import {
  Application,
  ECHO,
  PacketPeer,
  packets,
  Peer,
  routerTo,
  stopped,
} from "../../support/udp_world.ts";
import { SERVER, World } from "../../support/world.ts";

const CLIENT = { host: "10.0.1.1", port: 4_000 };
const STRANGER = { host: "10.9.9.9", port: 66 };
const UDP = { mode: "tcp_and_udp" } as const;

for (const { name } of METHODS.filter(({ family }) => family.needsClock)) {
  describe(`UDP with ${name}`, () => {
    test("goes from applications to targets and back", async () => {
      const world = new World({}, name);
      await world.server(UDP);
      await world.local(UDP);
      await Peer.echo(world);
      const one = await Application.start(world, 4_001);
      const two = await Application.start(world, 4_002);
      for (const text of ["a", "b"]) {
        await one.ask(`one ${text}`);
        await two.ask(`two ${text}`);
        await settle();
      }
      assert.deepEqual(one.answers, ["10.0.0.3:7 one a", "10.0.0.3:7 one b"]);
      assert.deepEqual(two.answers, ["10.0.0.3:7 two a", "10.0.0.3:7 two b"]);
      for (const line of await stopped(world)) {
        assert.deepEqual([line.relayedUp, line.relayedDown], [4, 4]);
      }
      assert.equal(world.clock.pending, 0);
    });

    test("serves tunnels and DNS", async () => {
      const world = new World({}, name);
      await world.server(UDP);
      await Peer.echo(world);
      const listen = { host: "127.0.0.1", port: 5_353 };
      const tunnel = await startUdpTunnel(
        {
          ...SERVICE_DEFAULTS,
          listen,
          target: ECHO,
          router: routerTo(world),
        },
        world.dependencies,
      );
      const application = await Peer.bind(world, {
        host: "127.0.0.1",
        port: 1,
      });
      await application.socket.send(utf8("through"), listen);
      await settle();
      assert.deepEqual(application.texts, ["through"]);
      await world.stop(tunnel);

      const resolver = await Peer.bind(world, { host: "10.0.0.53", port: 53 });
      const dns = await startDns({
        listen,
        resolver: resolver.socket.address,
        servers: [{ endpoint: SERVER, ...world }],
      }, world.dependencies);
      const query = hex("000101000001000000000000056b6e6f776e0000010001");
      await application.socket.send(query, listen);
      await settle();
      assert.equal(resolver.datagrams.length, 1);
      await world.stop(dns);
      await world.stop();
    });

    test("answers a client that moves, at its new address", async () => {
      const world = new World({}, name);
      await world.server(UDP);
      const target = await Peer.bind(world, ECHO);
      const client = await PacketPeer.bind(world, CLIENT);
      const recorded = client.seal("one");
      await client.socket.send(recorded, SERVER);
      await settle();
      const { from } = target.datagrams[0]!;
      const answer = async (text: string): Promise<void> => {
        await target.socket.send(utf8(text), from);
        await settle();
      };
      await answer("at the first");
      const moved = await client.moveTo(world, { host: "10.0.1.9", port: 77 });
      await moved.ask("two");
      await answer("at the second");
      // Neither a recording nor a forgery moves it.
      const stranger = await Peer.bind(world, STRANGER);
      await stranger.socket.send(recorded, SERVER);
      await stranger.socket.send(flipBit(client.seal("three"), 300), SERVER);
      await answer("at the second still");
      assert.deepEqual(client.answers, ["10.0.0.3:7 at the first"]);
      assert.deepEqual(moved.answers, [
        "10.0.0.3:7 at the second",
        "10.0.0.3:7 at the second still",
      ]);
      assert.deepEqual(stranger.datagrams, []);
      assert.deepEqual(target.texts, ["one", "two"]);
      assert.equal(target.datagrams[1]!.from.port, from.port);
      const [line] = await stopped(world);
      assert.equal(line?.ERR_SS_REPLAY, 1);
      assert.equal(line?.ERR_SS_AUTHENTICATION, 1);
    });

    test("keeps two sessions of one address apart", async () => {
      const world = new World({}, name);
      await world.server(UDP);
      const echo = await Peer.echo(world);
      const one = await PacketPeer.bind(world, CLIENT);
      const two = packets(world).client();
      await one.ask("one");
      const packet = { address: ECHO, payload: utf8("two") };
      await one.socket.send(two.seal(packet), SERVER);
      await settle();
      assert.deepEqual(echo.texts, ["one", "two"]);
      const [first, second] = echo.datagrams;
      assert.notEqual(first!.from.port, second!.from.port);
      // The answer of the second is none of the first's.
      assert.deepEqual(one.answers, [
        "10.0.0.3:7 one",
        "ERR_SS_SESSION_MISMATCH",
      ]);
      await stopped(world);
    });

    for (const ended of ["alive", "idle", "evicted"] as const) {
      test(`is deaf to a recording, with its flow ${ended}`, async () => {
        const world = new World({}, name);
        await world.server({ ...UDP, udpTimeoutMs: 500, maxFlows: 1 });
        const echo = await Peer.echo(world);
        const client = await PacketPeer.bind(world, CLIENT);
        const recorded = client.seal("recorded");
        await client.socket.send(recorded, SERVER);
        await settle();
        if (ended === "evicted") {
          const other = await PacketPeer.bind(world, { ...CLIENT, port: 2 });
          await other.ask("in its place");
        }
        if (ended === "idle") await world.clock.advance(501);
        const stranger = await Peer.bind(world, STRANGER);
        const before = echo.texts.length;
        let atMs = world.clock.monotonicMs();
        for (const afterMs of [501, 1_000, 29_000, 31_000, 61_000, 400_000]) {
          await world.clock.advance(Math.max(0, afterMs - atMs));
          atMs = Math.max(afterMs, atMs);
          if (ended === "alive") await client.ask("keeps it alive");
          await stranger.socket.send(recorded, SERVER);
          await settle();
        }
        assert.deepEqual(stranger.datagrams, []);
        const texts = echo.texts.slice(before);
        assert.ok(!texts.includes("recorded"), texts.join());
        await client.ask("the session goes on");
        await settle();
        assert.equal(client.answers.at(-1), "10.0.0.3:7 the session goes on");
        const [line] = await stopped(world);
        assert.equal(line?.ERR_SS_REPLAY, 3);
        assert.equal(line?.ERR_SS_TIMESTAMP, 3);
      });
    }

    test("is deaf to a recording, truncated anywhere, and after a restart", async () => {
      const world = new World({}, name);
      const server = await world.server(UDP);
      const echo = await Peer.echo(world);
      const client = await PacketPeer.bind(world, CLIENT);
      const recorded = client.seal("recorded");
      await client.socket.send(recorded, SERVER);
      const stranger = await Peer.bind(world, STRANGER);
      for (let cut = 0; cut <= recorded.length; cut++) {
        await stranger.socket.send(recorded.subarray(0, cut), SERVER);
      }
      await settle();
      await world.stop(server);
      await world.clock.advance(1_000);
      const again = await world.server(UDP);
      await stranger.socket.send(recorded, SERVER);
      await settle();
      assert.deepEqual(echo.texts, ["recorded"]);
      assert.deepEqual(stranger.datagrams, []);
      // The client notices nothing.
      await client.ask("after the restart");
      await settle();
      assert.equal(client.answers.at(-1), "10.0.0.3:7 after the restart");
      await world.stop(again);
      const [first, second] = await stopped(world);
      assert.equal(first?.ERR_SS_REPLAY, 1);
      assert.equal(second?.ERR_SS_TIMESTAMP, 1);
    });
  });
}

test("a local with several keys names its user to the server", async () => {
  const world = new World({}, "2022-blake3-aes-256-gcm");
  const { method, masterKey } = world;
  const users = ["alice", "bob"].map((name) => ({
    name,
    masterKey: masterKeyFromPassword(name, method),
  }));
  await world.server({ ...UDP, users });
  const keys: ClientKeys = {
    method,
    masterKey: users[1]!.masterKey,
    identityKeys: [masterKey],
  };
  await world.local({ ...UDP, servers: [{ endpoint: SERVER, ...keys }] });
  await Peer.echo(world);
  const application = await Application.start(world, 4_001);
  await application.ask("hello");
  await settle();
  assert.deepEqual(application.answers, ["10.0.0.3:7 hello"]);
  await stopped(world);
});

test("another key ends the flows of the old one, over UDP too", async () => {
  const world = new World({}, "2022-blake3-aes-128-gcm");
  const { method } = world;
  const server = await world.server(UDP);
  const echo = await Peer.echo(world);
  const old = await PacketPeer.bind(world, CLIENT);
  await old.ask("one");
  await settle();
  const masterKey = masterKeyFromPassword("another", method);
  server.update({ method, masterKey });
  const next = await PacketPeer.bind(world, { ...CLIENT, port: 2 }, {
    method,
    masterKey,
  });
  await old.ask("two");
  await next.ask("three");
  await settle();
  assert.deepEqual(echo.texts, ["one", "three"]);
  assert.deepEqual(next.answers, ["10.0.0.3:7 three"]);
  const [line] = await stopped(world);
  const code: ErrorCode = "ERR_SS_AUTHENTICATION";
  assert.equal(line?.[code], 1);
  assert.equal(line?.flowsEnded, 2);
});
