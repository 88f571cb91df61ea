import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sealPacket } from "../../../../src/codec/packet.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { SERVICE_DEFAULTS } from "../../../../src/service/options.ts";
import { startUdpTunnel } from "../../../../src/service/udp/udp_tunnel.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { testKey } from "../../../support/keys.ts";
import { readAll, readExactly, send } from "../../../support/streams.ts";
import {
  Application,
  ECHO,
  Peer,
  routerTo,
  stopped,
} from "../../../support/udp_world.ts";
import { accepted, LOCAL, SERVER, World } from "../../../support/world.ts";

const UDP = { mode: "tcp_and_udp" } as const;

async function chain(world: World): Promise<Peer> {
  await world.server(UDP);
  await world.local(UDP);
  return await Peer.echo(world);
}

describe("UDP ASSOCIATE of ss-local", () => {
  test("relays datagrams, and shows their true source", async () => {
    const world = new World({ names: { "echo.test": [ECHO.host] } });
    const echo = await chain(world);
    const app = await Application.start(world, 4_000);
    assert.deepEqual(app.relay, LOCAL);
    for (const host of [ECHO.host, "echo.test"]) {
      await app.ask(`to ${host}`, { host, port: 7 });
      // What is sent while a name is looked up is not held up by it.
      await settle();
    }
    await app.ask("");
    await settle();
    assert.deepEqual(app.answers, [
      "10.0.0.3:7 to 10.0.0.3",
      "10.0.0.3:7 to echo.test",
      "10.0.0.3:7 ",
    ]);
    assert.equal(echo.datagrams.length, 3);
    const lines = await stopped(world);
    for (const line of lines) {
      assert.deepEqual(
        [line.received, line.relayedUp, line.relayedDown],
        [3, 3, 3],
      );
    }
  });

  test("keeps applications apart, and each of their sockets", async () => {
    const world = new World();
    const echo = await chain(world);
    const one = await Application.start(world, 4_000);
    const two = await Application.start(world, 4_001);
    await one.ask("one");
    await two.ask("two");
    // An application that changes its port goes on.
    const moved = await world.network.bind({ host: "127.0.0.1", port: 4_002 });
    const answers: string[] = [];
    one.collect(moved, answers);
    await one.ask("moved", ECHO, moved);
    await settle();
    assert.deepEqual(one.answers, ["10.0.0.3:7 one"]);
    assert.deepEqual(two.answers, ["10.0.0.3:7 two"]);
    assert.deepEqual(answers, ["10.0.0.3:7 moved"]);
    assert.equal(new Set(echo.datagrams.map(({ from }) => from.port)).size, 3);
    await stopped(world);
  });

  test("takes nothing without an association, nor after its end", async () => {
    const world = new World();
    const echo = await chain(world);
    const app = await Application.start(world, 4_000);
    const stranger = await world.network.bind({ host: "10.0.5.5", port: 9 });
    await app.ask("stranger", ECHO, stranger);
    await app.ask("known");
    await settle();
    assert.equal(world.network.openSockets, 7);
    app.connection.close();
    await settle();
    // The flow is gone at local; the server's waits for its time-out.
    assert.equal(world.network.openSockets, 6);
    await app.ask("too late");
    await settle();
    assert.deepEqual(echo.texts, ["known"]);
    const [local] = (await stopped(world)).filter((line) =>
      line["ERR_POLICY_STRANGER"]
    );
    assert.equal(local?.["ERR_POLICY_STRANGER"], 2);
  });

  test("holds the application to the port it named with its address", async () => {
    const world = new World();
    const echo = await chain(world);
    const app = await Application.start(world, 4_000, "017f0000010fa0");
    const other = await world.network.bind({ host: "127.0.0.1", port: 4_001 });
    await app.ask("other port", ECHO, other);
    await app.ask("named port");
    await settle();
    assert.deepEqual(echo.texts, ["named port"]);
    // An address it does not have is a hint only: there may be a NAT.
    const behindNat = await Application.start(world, 4_005, "01c0a8000a0fa0");
    await behindNat.ask("any port");
    await settle();
    assert.deepEqual(behindNat.answers, ["10.0.0.3:7 any port"]);
    await stopped(world);
  });

  test("keeps a flow that another association still admits", async () => {
    const world = new World();
    const echo = await chain(world);
    const one = await Application.start(world, 4_000);
    const two = await Application.start(world, 4_001);
    await two.ask("before");
    await settle();
    one.connection.close();
    await settle();
    await two.ask("after");
    await settle();
    const [before, after] = echo.datagrams;
    assert.deepEqual(before!.from, after!.from);
    await stopped(world);
  });

  test("drops fragments and what is no SOCKS datagram, and counts them", async () => {
    const world = new World();
    const echo = await chain(world);
    const app = await Application.start(world, 4_000);
    for (
      const wire of [
        "0000010100000000003578",
        "0000810100000000003578",
        "0000",
        "00000009",
        "00000001010203040000",
      ]
    ) await app.socket.send(hex(wire), app.relay);
    await settle();
    assert.deepEqual(echo.texts, []);
    const lines = await stopped(world);
    const [line] = lines.filter((line) => line["ERR_SOCKS_FRAGMENT"]);
    assert.equal(line?.["ERR_SOCKS_FRAGMENT"], 2);
    assert.equal(line?.["ERR_SOCKS_TRUNCATED"], 1);
    assert.equal(line?.["ERR_SOCKS_ADDRESS_TYPE"], 1);
    assert.equal(line?.["ERR_SOCKS_MALFORMED"], 1);
  });

  test("drops what does not come from the server's key", async () => {
    const world = new World();
    await world.local(UDP);
    const server = await Peer.bind(world, SERVER);
    const app = await Application.start(world, 4_000);
    await app.ask("hello");
    await settle();
    const { from } = server.datagrams[0]!;
    await server.socket.send(utf8("forged"), from);
    const address = { host: "192.0.2.7", port: 53 };
    const packet = { address, payload: utf8("true") };
    await server.socket.send(
      sealPacket(testKey(), systemRandomBytes, packet),
      from,
    );
    await settle();
    assert.deepEqual(app.answers, ["192.0.2.7:53 true"]);
    const [line] = await stopped(world);
    assert.equal(line?.["ERR_SS_TRUNCATED"], 1);
  });

  test("names the address of the connection, when it listens on every address", async () => {
    const world = new World();
    await world.server(UDP);
    await world.local({ ...UDP, listen: { host: "0.0.0.0", port: 1_080 } });
    await Peer.echo(world);
    const app = await Application.start(world, 4_000);
    assert.deepEqual(app.relay, LOCAL);
    await app.ask("hello");
    await settle();
    assert.equal(app.answers.length, 1);
    await stopped(world);
  });

  test("refuses what the mode does not serve with 07", async () => {
    for (
      const [mode, connect, associate] of [
        ["tcp_only", 0, 7],
        ["udp_only", 7, 0],
        ["tcp_and_udp", 0, 0],
      ] as const
    ) {
      const world = new World();
      await world.server();
      await world.local({ mode });
      for (
        const [command, rep] of [["01", connect], ["03", associate], ["02", 7]]
      ) {
        const { client, reply } = await world.connect(
          `05${command}00010a0000030050`,
        );
        assert.equal(reply[1], rep, `${mode} ${command}`);
        client.close();
      }
      await world.stop();
    }
  });

  test("ends associations at once, when the service stops", async () => {
    const world = new World();
    await world.server(UDP);
    const local = await world.local(UDP);
    const app = await Application.start(world, 4_000);
    const stopping = local.stop(5_000);
    await settle();
    assert.equal((await readAll(app.connection.readable)).length, 0);
    await stopping;
    assert.equal(world.clock.monotonicMs(), 0);
    await stopped(world);
  });

  test("counts what the network loses, by what arrives", async () => {
    let sent = 0;
    // Every third datagram towards the server is lost.
    const world = new World({
      lose: (_payload, _from, to) =>
        to.port === SERVER.port && ++sent % 3 === 0,
    });
    await chain(world);
    const app = await Application.start(world, 4_000);
    for (let i = 0; i < 30; i++) await app.ask(String(i));
    await settle();
    assert.equal(app.answers.length, 20);
    const lines = await stopped(world);
    const counts = lines.map((line) => [line.received, line.relayedUp]);
    assert.deepEqual(counts.sort(), [[20, 20], [30, 30]]);
  });
});

describe("startUdpTunnel()", () => {
  test("gives each application a flow to the one target", async () => {
    const names = { "echo.test": [ECHO.host] };
    const world = new World({ names });
    await world.server(UDP);
    const echo = await Peer.echo(world);
    const listen = { host: "127.0.0.1", port: 5_353 };
    const tunnel = await startUdpTunnel({
      ...SERVICE_DEFAULTS,
      listen,
      target: { host: "echo.test", port: 7 },
      router: routerTo(world),
    }, world.dependencies);
    assert.deepEqual(tunnel.address, listen);
    const apps = [];
    for (const port of [1, 2]) {
      const app = await Peer.bind(world, { host: "127.0.0.1", port });
      await app.socket.send(utf8(`from ${port}`), listen);
      apps.push(app);
    }
    await settle();
    for (const [i, app] of apps.entries()) {
      assert.deepEqual(app.datagrams, [{
        text: `from ${i + 1}`,
        from: listen,
      }]);
    }
    assert.equal(new Set(echo.datagrams.map(({ from }) => from.port)).size, 2);
    await tunnel.stop(0);
    await stopped(world);
    assert.equal(world.network.openSockets, 3);
  });
});

describe("startLocal() as a tunnel", () => {
  const protocol = { tunnelTo: ECHO };

  test("has TCP and UDP on one port", async () => {
    const world = new World();
    await world.server(UDP);
    await world.local({ ...UDP, protocol });
    const echo = await Peer.echo(world);
    const app = await Peer.bind(world, { host: "127.0.0.1", port: 1 });
    await app.socket.send(utf8("datagram"), LOCAL);
    const listener = await world.target(ECHO);
    const client = await world.network.dial(LOCAL);
    await send(client, utf8("stream"));
    await settle();
    await world.clock.advance(0);
    const far = await accepted(listener);
    assert.deepEqual(await readExactly(far, 6), utf8("stream"));
    assert.deepEqual(echo.texts, ["datagram"]);
    assert.deepEqual(app.datagrams, [{ text: "datagram", from: LOCAL }]);
    client.close();
    far.close();
    await world.stop();
  });

  test("listens to no TCP, when it is UDP alone", async () => {
    const world = new World();
    await world.server(UDP);
    const service = await world.local({ mode: "udp_only", protocol });
    assert.deepEqual(service.address, LOCAL);
    await Peer.echo(world);
    await assert.rejects(world.network.dial(LOCAL), {
      code: "ERR_NET_REFUSED",
    });
    const app = await Peer.bind(world, { host: "127.0.0.1", port: 1 });
    await app.socket.send(utf8("datagram"), LOCAL);
    await settle();
    assert.deepEqual(app.texts, ["datagram"]);
    await world.stop();
  });
});
