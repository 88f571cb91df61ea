import assert from "node:assert/strict";
import { test } from "node:test";
import { referenceKeyStreams } from "../../../src/crypto/key_streams/reference.ts";
import { STREAM_METHODS } from "../../../src/crypto/stream_methods.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readAll, send } from "../../support/streams.ts";
import { Application, Peer } from "../../support/udp_world.ts";
import { accepted, World } from "../../support/world.ts";

for (const method of STREAM_METHODS) {
  if (referenceKeyStreams.lacks(method) !== undefined) continue;
  const { name, ivLength } = method;
  // AES-CFB1 does 100 KB a second on Bun.
  const length = name.includes("cfb1") ? 5_000 : 100_000;

  test(`client ⇄ local ⇄ server ⇄ target with ${name}, half-closed`, async () => {
    const world = new World({ split: 1_009 }, name);
    await world.server();
    await world.local();
    const target = await world.target();
    const { client, reply } = await world.connect();
    assert.equal(reply[1], 0);

    const up = seededBytes(length, 1);
    const down = seededBytes(length, 2);
    const sending = send(client, up).then(() => client.closeWrite());
    const far = await accepted(target);
    assert.deepEqual(await readAll(far.readable), up);
    const answering = send(far, down).then(() => far.closeWrite());
    assert.deepEqual(await readAll(client.readable), down);
    await Promise.all([sending, answering]);
    for (const end of [client, far]) end.close();
    await settle();
    assert.equal(world.network.openConnections, 0);

    const [line] = world.logged("target", "10.0.0.3:80");
    assert.equal(line?.fields["bytesUp"], up.length);
    assert.equal(line?.fields["bytesDown"], down.length);
    await world.stop();
  });

  test(`datagrams come back with ${name}`, async () => {
    const world = new World({}, name);
    await world.server({ mode: "tcp_and_udp" });
    await world.local({ mode: "tcp_and_udp" });
    await Peer.echo(world);
    const application = await Application.start(world, 4_000);
    for (const text of ["one", "", "x".repeat(1_200)]) {
      await application.ask(text);
      await settle();
    }
    assert.deepEqual(application.answers, [
      "10.0.0.3:7 one",
      "10.0.0.3:7 ",
      `10.0.0.3:7 ${"x".repeat(1_200)}`,
    ]);
    await world.stop();
  });

  test(`IV and address leave in one segment with ${name}; the server waits for its target`, async () => {
    const world = new World({}, name);
    await world.local();
    const server = await world.network.listen({ host: "10.0.0.2", port: 8388 });
    const { client } = await world.connect();
    await send(client, utf8("hello"));
    const far = await accepted(server);
    const { value } = await far.readable.getReader().read();
    assert.equal(value?.length, ivLength + 7 + 5);
    for (const end of [client, far]) end.close();
    await world.stop();
  });
}

test("a server of a stream cipher has no users", async () => {
  const world = new World({}, "aes-256-cfb");
  await assert.rejects(
    world.server({ users: [{ name: "ann", masterKey: seededBytes(32) }] }),
    /RangeError: .*aes-256-cfb does not support users/,
  );
  await world.stop();
});
