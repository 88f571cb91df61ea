import assert from "node:assert/strict";
import { test } from "node:test";
import { masterKeyFromPassword } from "../../../../src/crypto/master_key.ts";
import { Shadowsocks } from "../../../../src/service/outbound/shadowsocks.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import { utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import { readAll, readExactly, send } from "../../../support/streams.ts";
import { Application, Peer } from "../../../support/udp_world.ts";
import { accepted, SERVER, World } from "../../../support/world.ts";

const EXIT = { host: "10.0.0.9", port: 8_388 };

/** Two servers, of which the local reaches one through the other. */
async function start(): Promise<World> {
  const world = new World();
  const { method, masterKey } = world;
  const exitKey = masterKeyFromPassword("exit", method);
  await world.server({ mode: "tcp_and_udp" });
  await world.server({
    listen: EXIT,
    masterKey: exitKey,
    mode: "tcp_and_udp",
  });
  await world.local({
    mode: "tcp_and_udp",
    servers: [{
      endpoint: EXIT,
      method,
      masterKey: exitKey,
      through: { endpoint: SERVER, method, masterKey },
    }],
  });
  return world;
}

test("a stream goes through both servers, and ends each way by itself", async () => {
  const world = await start();
  const listener = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("ping"));
  const far = await accepted(listener);
  assert.deepEqual(await readExactly(far, 4), utf8("ping"));
  assert.deepEqual(world.network.dialled.slice(1), [
    "10.0.0.2:8388",
    "10.0.0.9:8388",
    "10.0.0.3:80",
  ]);
  await client.closeWrite();
  assert.equal((await readAll(far.readable)).length, 0);
  await send(far, new Uint8Array(200_000));
  await far.closeWrite();
  assert.equal((await readAll(client.readable)).length, 200_000);
  await world.stop();
});

test("packets go through both servers", async () => {
  const world = await start();
  const echo = await Peer.echo(world);
  const application = await Application.start(world, 4_000);
  await application.ask("one");
  await settle();
  assert.deepEqual(echo.texts, ["one"]);
  assert.deepEqual(application.answers, ["10.0.0.3:7 one"]);
  await world.stop();
});

test("a WebSocket through another server is refused", () => {
  const world = new World();
  const { method, masterKey } = world;
  const server = { endpoint: SERVER, method, masterKey };
  const url = { isTls: false, ...SERVER, path: "/" };
  assert.throws(
    () =>
      new Shadowsocks(
        { ...server, through: server, transport: { type: "websocket", url } },
        1_000,
        withDefaults(world.dependencies),
      ),
    RangeError,
  );
});
