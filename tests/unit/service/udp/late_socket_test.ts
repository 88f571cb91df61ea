import assert from "node:assert/strict";
import { test } from "node:test";
import { TransportError } from "../../../../src/errors.ts";
import { TAKE_OVER_RETRY_MS } from "../../../../src/limits.ts";
import { bindPort } from "../../../../src/service/udp/late_socket.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import { settle } from "../../../support/fake_clock.ts";
import { World } from "../../../support/world.ts";

const HERE = { host: "10.0.0.2", port: 53 };
const PAYLOAD = new Uint8Array([1, 2, 3]);

test("bindPort() serves the port, once another process lets go of it", async () => {
  const world = new World();
  const dependencies = { ...world.dependencies, sharePorts: true };
  const old = await world.network.bind(HERE);
  const socket = await bindPort(HERE, withDefaults(dependencies));
  const received = socket.receive();
  await assert.rejects(socket.send(PAYLOAD, HERE), TransportError);
  await world.clock.advance(5 * TAKE_OVER_RETRY_MS);
  old.close();
  await world.clock.advance(TAKE_OVER_RETRY_MS);
  const client = await world.network.bind({ host: "10.0.0.9", port: 0 });
  await client.send(PAYLOAD, HERE);
  const datagram = await received;
  assert.deepEqual(datagram?.payload, PAYLOAD);
  await socket.send(PAYLOAD, datagram!.from);
  assert.deepEqual((await client.receive())?.payload, PAYLOAD);
  socket.close();
  client.close();
  assert.equal(await socket.receive(), undefined);
});

test("bindPort() gives up waiting, when it is closed", async () => {
  const world = new World();
  const dependencies = { ...world.dependencies, sharePorts: true };
  const old = await world.network.bind(HERE);
  const socket = await bindPort(HERE, withDefaults(dependencies));
  const received = socket.receive();
  socket.close();
  assert.equal(await received, undefined);
  old.close();
  await world.clock.advance(TAKE_OVER_RETRY_MS);
  await settle();
  (await world.network.bind(HERE)).close();
});

test("bindPort() lets go of a port that comes after it was closed", async () => {
  const world = new World();
  const old = await world.network.bind(HERE);
  const mayBind = Promise.withResolvers<void>();
  let tries = 0;
  const bind = async (): ReturnType<typeof world.network.bind> => {
    if (tries++ > 0) await mayBind.promise;
    return await world.network.bind(HERE);
  };
  const socket = await bindPort(HERE, {
    ...withDefaults(world.dependencies),
    sharePorts: true,
    transport: { ...world.network, bind },
  });
  old.close();
  await world.clock.advance(TAKE_OVER_RETRY_MS);
  assert.equal(tries, 2);
  socket.close();
  mayBind.resolve();
  assert.equal(await socket.receive(), undefined);
  assert.equal(world.network.openSockets, 0);
  const messages = world.lines.map(({ message }) => message);
  assert.deepEqual(messages, ["another process has the UDP port, waiting"]);
});

test("bindPort() fails at once, where ports are not shared", async () => {
  const world = new World();
  const old = await world.network.bind(HERE);
  await assert.rejects(bindPort(HERE, withDefaults(world.dependencies)), {
    code: "ERR_NET_ADDRESS_IN_USE",
  });
  old.close();
});
