import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import { MAX_PROXIED_SESSIONS } from "../../../../src/limits.ts";
import { silentMetrics } from "../../../../src/observe.ts";
import { DatagramProxies } from "../../../../src/service/udp/datagram_proxies.ts";
import type { ClientKeys } from "../../../../src/session/family.ts";
import type { Endpoint } from "../../../../src/transport.ts";
import { seededBytes, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { ECHO, PacketPeer, Peer } from "../../../support/udp_world.ts";
import { SERVER, World } from "../../../support/world.ts";

const PROXY: Endpoint = { host: "10.9.0.1", port: 5_000 };
const LINE = utf8("PROXY UDP4 192.0.2.7 10.0.0.2 4711 8388\r\n");
const BINARY = Uint8Array.fromHex(
  "0d0a0d0a000d0a515549540a2112000cc0000207c00002011267ffff",
);
const LOCAL = Uint8Array.fromHex("0d0a0d0a000d0a515549540a20000000");
const SPECTRUM = Uint8Array.fromHex(
  "56ec00000000000000000000ffffc000020700000000000000000000ffffc0000201" +
    "126720c4",
);
const CLIENT: Endpoint = { host: "192.0.2.7", port: 4_711 };

async function start(): Promise<{ world: World; dropped: string[] }> {
  const world = new World({}, "2022-blake3-aes-128-gcm");
  const dropped: string[] = [];
  world.metrics = {
    ...silentMetrics,
    datagramDropped: (code) => dropped.push(code),
  };
  await world.server({
    masterKey: new Uint8Array(16),
    mode: "tcp_and_udp",
    proxyFrom: ["10.9.0.0/16"],
  });
  return { world, dropped };
}

const KEYS = (world: World): ClientKeys => ({
  method: world.method,
  masterKey: new Uint8Array(16),
});

test("a session whose first datagram names the client is answered as its own", async () => {
  for (const header of [LINE, BINARY]) {
    const { world, dropped } = await start();
    const echo = await Peer.echo(world);
    const client = await PacketPeer.bind(world, PROXY, KEYS(world));
    await client.socket.send(client.seal("too early"), SERVER);
    await settle();
    assert.deepEqual(dropped, ["ERR_PROXY_HEADER"]);
    await client.socket.send(concat(header, client.seal("first")), SERVER);
    await client.socket.send(client.seal("second"), SERVER);
    await settle();
    assert.deepEqual(client.answers, [
      `${ECHO.host}:${ECHO.port} first`,
      `${ECHO.host}:${ECHO.port} second`,
    ]);
    assert.deepEqual(dropped, ["ERR_PROXY_HEADER"]);
    echo.socket.close();
    client.socket.close();
    await world.stop();
  }
});

test("an answer to Cloudflare Spectrum has the header of its question", async () => {
  const { world } = await start();
  const echo = await Peer.echo(world);
  const client = await PacketPeer.bind(
    world,
    { host: "10.1.0.1", port: 1 },
    KEYS(world),
  );
  const proxy = await world.network.bind(PROXY);
  for (const text of ["one", "two"]) {
    await proxy.send(concat(SPECTRUM, client.seal(text)), SERVER);
    const { payload } = (await proxy.receive())!;
    assert.deepEqual(payload.subarray(0, SPECTRUM.length), SPECTRUM);
    await proxy.send(payload.subarray(SPECTRUM.length), client.socket.address);
    await settle();
  }
  assert.deepEqual(client.answers, [
    `${ECHO.host}:${ECHO.port} one`,
    `${ECHO.host}:${ECHO.port} two`,
  ]);
  for (const one of [echo.socket, client.socket, proxy]) one.close();
  await world.stop();
});

test("introduce() tells whose a datagram is", () => {
  const proxies = new DatagramProxies(["10.9.0.0/16"]);
  const payload = seededBytes(50);
  const of = (bytes: Uint8Array, from = PROXY): unknown => {
    const found = proxies.introduce({ payload: bytes, from });
    return found && [found.client, found.payload, found.way];
  };
  const refused = { code: "ERR_PROXY_HEADER" };
  assert.throws(() => of(payload), refused);
  const way = { to: PROXY };
  assert.deepEqual(of(concat(SPECTRUM, payload)), [
    CLIENT,
    payload,
    { to: PROXY, front: SPECTRUM },
  ]);
  // That named one datagram, and not the session.
  assert.throws(() => of(payload), refused);
  assert.equal(of(LOCAL), undefined);
  for (let cut = 6; cut < LINE.length; cut++) {
    assert.throws(() => of(LINE.subarray(0, cut)), refused);
  }
  assert.deepEqual(of(concat(LINE, payload)), [CLIENT, payload, way]);
  assert.deepEqual(of(payload), [CLIENT, payload, way]);
  // One datagram in 65,536 begins like that by chance.
  const chance = concat(SPECTRUM, payload);
  assert.deepEqual(of(chance), [CLIENT, chance, way]);
  const stranger = { host: "203.0.113.9", port: 9 };
  for (const bytes of [payload, LINE, chance]) {
    assert.deepEqual(of(bytes, stranger), [stranger, bytes, { to: stranger }]);
  }
});

test("introduce() forgets the quietest sessions, and no more than it must", () => {
  const proxies = new DatagramProxies(["10.9.0.0/16"]);
  const at = (i: number): Endpoint => ({
    host: `10.9.${i >>> 14}.1`,
    port: 1 + (i & 0x3fff),
  });
  const asks = (i: number): boolean => {
    try {
      return proxies.introduce({ payload: utf8("x"), from: at(i) }) !==
        undefined;
    } catch {
      return false;
    }
  };
  for (let i = 0; i < MAX_PROXIED_SESSIONS; i++) {
    proxies.introduce({ payload: LINE, from: at(i) });
  }
  assert.equal(asks(0), true);
  proxies.introduce({ payload: LINE, from: at(MAX_PROXIED_SESSIONS) });
  assert.deepEqual([asks(0), asks(1), asks(2)], [true, false, true]);
});
