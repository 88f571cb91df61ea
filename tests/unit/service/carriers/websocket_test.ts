import assert from "node:assert/strict";
import { test } from "node:test";
import { FrameWriter } from "../../../../src/codec/websocket.ts";
import type { WebSocketTransport } from "../../../../src/codec/websocket_transport.ts";
import { parseCidr } from "../../../../src/security/target_policy.ts";
import type { Connection } from "../../../../src/transport.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import {
  observe,
  readAll,
  readExactly,
  send,
} from "../../../support/streams.ts";
import { Application, Peer } from "../../../support/udp_world.ts";
import { accepted, World } from "../../../support/world.ts";

const WEB = { host: "10.0.0.2", port: 8_000 };
const SERVER = {
  listen: WEB,
  tcpPath: "/secret/tcp",
  udpPath: "/secret/udp",
  trustedProxies: [parseCidr("127.0.0.0/8")!],
};

/** What a client has of that server. */
function transport(
  path = "/secret/tcp",
  udpPath = "/secret/udp",
): WebSocketTransport {
  const url = { isTls: false, ...WEB };
  return {
    type: "websocket",
    url: { ...url, path },
    udpUrl: { ...url, path: udpPath },
  };
}

/** A world with both ends. */
async function start(
  options: ConstructorParameters<typeof World>[0] = {},
  carrier: WebSocketTransport = transport(),
): Promise<World> {
  const world = new World(options);
  await world.server({ websocket: SERVER, mode: "tcp_and_udp" });
  const { method, masterKey } = world;
  await world.local({
    mode: "tcp_and_udp",
    servers: [{ endpoint: WEB, transport: carrier, method, masterKey }],
  });
  return world;
}

for (const split of [Infinity, 1, 7]) {
  test(`a stream goes through a WebSocket, ${split} bytes a read`, async () => {
    const world = await start({ split });
    const listener = await world.target();
    const { client } = await world.connect();
    await send(client, utf8("ping"));
    const far = await accepted(listener);
    assert.deepEqual(await readExactly(far, 4), utf8("ping"));
    await send(far, utf8("pong"));
    assert.deepEqual(await readExactly(client, 4), utf8("pong"));
    assert.deepEqual(world.network.dialled.slice(-2)[0], "10.0.0.2:8000");
    await world.stop();
    assert.equal(world.network.openConnections, 2);
  });
}

test("either direction ends while the other goes on", async () => {
  for (const isClientFirst of [true, false]) {
    const world = await start();
    const listener = await world.target();
    const { client } = await world.connect();
    await send(client, utf8("a"));
    const far = await accepted(listener);
    await readExactly(far, 1);
    const [first, second] = isClientFirst ? [client, far] : [far, client];
    await send(first, utf8("last"));
    await first.closeWrite();
    assert.deepEqual(await readAll(second.readable), utf8("last"));
    await send(second, new Uint8Array(100_000), utf8("more"));
    await second.closeWrite();
    assert.equal((await readAll(first.readable)).length, 100_004);
    await settle();
    assert.equal(world.logged("reason", "done").length, 2);
    await world.stop();
  }
});

test("packets go through a WebSocket of their association", async () => {
  const world = await start();
  const echo = await Peer.echo(world);
  const application = await Application.start(world, 4_000);
  await application.ask("one");
  await application.ask("two");
  await settle();
  assert.deepEqual(echo.texts, ["one", "two"]);
  assert.deepEqual(application.answers, ["10.0.0.3:7 one", "10.0.0.3:7 two"]);
  assert.equal(
    world.network.dialled.filter((to) => to === "10.0.0.2:8000").length,
    1,
  );
  await world.stop();
});

test("an association that the server has ended begins again", async () => {
  const world = await start();
  const echo = await Peer.echo(world);
  const application = await Application.start(world, 4_000);
  await application.ask("one");
  await settle();
  await world.clock.advance(299_000);
  await application.ask("two");
  await settle();
  await world.clock.advance(299_000);
  await application.ask("three");
  await settle();
  assert.deepEqual(echo.texts, ["one", "two", "three"]);
  await world.clock.advance(301_000);
  await application.ask("four");
  await settle();
  assert.equal(echo.texts.at(-1), "four");
  assert.equal(application.answers.at(-1), "10.0.0.3:7 four");
  await world.stop();
});

test("a client's error contains the answer of the web server", async () => {
  const world = await start({}, transport("/wrong", "/wrong"));
  const { reply } = await world.connect();
  assert.equal(reply[1], 1);
  await settle();
  const [line] = world.logged("code", "ERR_WS_HANDSHAKE");
  assert.equal(
    line?.fields["reason"],
    "WebSocket server 10.0.0.2:8000 answered 404, not 101: the path or the " +
      "server is wrong",
  );
  await world.stop();
});

test("whatever is no WebSocket of ours is answered 404 and no more", async () => {
  const wrong = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /secret/tcp HTTP/1.1\r\nHost: a\r\n\r\n",
    "POST /secret/tcp HTTP/1.1\r\nHost: a\r\n\r\n",
    upgrade("/secret/tc"),
    upgrade("/secret/tcpp"),
    upgrade("/secret/tcp?"),
    upgrade("/secret/TCP"),
    upgrade("/secret/tcp").replace("13", "12"),
    upgrade("/secret/tcp").replace("HTTP/1.1", "HTTP/1.0"),
    upgrade("/secret/tcp").replace("dGhlIHNhbXBsZSBub25jZQ==", "AAAA"),
    "garbage\r\n\r\n",
    "\x16\x03\x01\r\n\r\n",
  ];
  const world = new World();
  await world.server({ websocket: SERVER, mode: "tcp_and_udp" });
  for (const text of wrong) {
    const client = await world.network.dial(WEB);
    const seen = observe(client);
    await send(client, utf8(text));
    await settle();
    assert.equal(
      new TextDecoder().decode(seen().received),
      "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      text,
    );
    assert.equal(seen().end, "fin", text);
    client.close();
  }
  await world.stop();
});

test("a stranger with the path meets silence until the deadline", async () => {
  for (const path of ["/secret/tcp", "/secret/udp"]) {
    const world = new World();
    await world.server({ websocket: SERVER, mode: "tcp_and_udp" });
    const client = await upgraded(world, path);
    const seen = observe(client);
    const out = new FrameWriter((length) => new Uint8Array(length).fill(3));
    for (let i = 0; i < 10; i++) {
      await send(client, out.message(new Uint8Array(99)));
    }
    await settle();
    await world.clock.advance(59_000);
    assert.deepEqual(seen(), { received: hex(""), end: "open" }, path);
    await world.clock.advance(32_000);
    await world.clock.advance(11_000);
    assert.equal(seen().end, "fin", path);
    await world.stop();
  }
});

test("only a trusted proxy tells whose connection it is", async () => {
  const world = new World();
  await world.server({ websocket: SERVER });
  for (
    const [forwarded, client] of [
      ["X-Forwarded-For: 192.0.2.7\r\n", "192.0.2.7"],
      ["X-Forwarded-For: 198.51.100.1, 192.0.2.7, 127.0.0.9\r\n", "192.0.2.7"],
      ["X-Forwarded-For: 192.0.2.7:4711\r\n", "192.0.2.7"],
      ["X-Forwarded-For: [2001:db8::1]:99\r\n", "2001:db8::1"],
      ["X-Forwarded-For: nonsense\r\n", "127.0.0.1"],
      ["", "127.0.0.1"],
    ] as const
  ) {
    world.lines.length = 0;
    const connection = await upgraded(world, "/secret/tcp", forwarded);
    await connection.closeWrite();
    await settle();
    assert.equal(world.lines.at(-1)?.fields["client"], client, forwarded);
    connection.close();
  }
  await world.stop();
});

test("an end waits for quiet, where the peer needs that", async () => {
  const world = await start({}, { ...transport(), closeDelayMs: 2_000 });
  const listener = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("a"));
  const far = await accepted(listener);
  await readExactly(far, 1);
  const seen = observe(far);
  await client.closeWrite();
  await settle();
  await world.clock.advance(1_500);
  await send(far, utf8("b"));
  await readExactly(client, 1);
  await settle();
  await world.clock.advance(1_500);
  assert.equal(seen().end, "open");
  await world.clock.advance(600);
  await settle();
  assert.equal(seen().end, "fin");
  await world.stop();
});

test("an end waits no longer than the peer's", async () => {
  const world = await start({}, { ...transport(), closeDelayMs: 2_000 });
  const listener = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("a"));
  const far = await accepted(listener);
  await readExactly(far, 1);
  await client.closeWrite();
  await settle();
  await send(far, utf8("b"));
  await far.closeWrite();
  await readAll(client.readable);
  await readAll(far.readable);
  await settle();
  assert.equal(world.logged("reason", "done").length, 2);
  await world.stop();
});

test("a ping is answered", async () => {
  const world = new World();
  await world.server({ websocket: SERVER });
  const client = await upgraded(world, "/secret/tcp");
  await send(client, hex("898300000000414243"));
  assert.deepEqual(await readExactly(client, 5), hex("8a03414243"));
  await world.stop();
});

function upgrade(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: example.com\r\n` +
    "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" +
    "Sec-WebSocket-Version: 13\r\n\r\n";
}

/** The answer to {@link upgrade}; its last field is that of RFC 6455 §1.3. */
const ACCEPTED = "HTTP/1.1 101 Switching Protocols\r\n" +
  "Upgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/** Upgrades a connection, and nothing behind the answer is lost. */
async function upgraded(
  world: World,
  path: string,
  fields = "",
): Promise<Connection> {
  const client = await world.network.dial(WEB);
  await send(client, utf8(upgrade(path).replace(/\r\n$/, `${fields}\r\n`)));
  const head = await readExactly(client, ACCEPTED.length);
  assert.equal(new TextDecoder().decode(head), ACCEPTED);
  return client;
}
