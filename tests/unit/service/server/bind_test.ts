import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeAddress } from "../../../../src/codec/address.ts";
import { isBindTarget } from "../../../../src/codec/bind_request.ts";
import type { Endpoint } from "../../../../src/transport.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { settle } from "../../../support/fake_clock.ts";
import {
  acceptFrom,
  readAll,
  readExactly,
  send,
} from "../../../support/streams.ts";
import { LOCAL, World } from "../../../support/world.ts";

const ANYBODY = "05020001000000000000";
const REFUSED = "05070001000000000000";

/** Where a reply says the server listens, or who has connected. */
function boundOf(reply: Uint8Array): Endpoint {
  assert.equal(reply.subarray(0, 3).toHex(), "050000", reply.toHex());
  return decodeAddress(reply.subarray(3))!.address;
}

describe("BIND between two Umbras", () => {
  test("accepts one connection, with two replies, and relays it", async () => {
    const world = new World();
    await world.server({ bind: true });
    await world.local({ bind: true });
    const { client, reply } = await world.connect(ANYBODY);
    const bound = boundOf(reply);
    assert.equal(bound.host, "10.0.0.2");
    const peer = await world.network.dial(bound);
    await send(peer, utf8("220 data"));
    assert.deepEqual(boundOf(await readExactly(client, 10)), peer.local);
    assert.deepEqual(await readExactly(client, 8), utf8("220 data"));
    await assert.rejects(world.network.dial(bound));
    await send(client, utf8("thanks"));
    await client.closeWrite();
    assert.deepEqual(await readAll(peer.readable), utf8("thanks"));
    await peer.closeWrite();
    assert.equal((await readAll(client.readable)).length, 0);
    client.close();
    peer.close();
    await settle();
    assert.equal(world.network.openConnections, 0);
    await world.stop();
    assert.equal(world.network.openListeners, 0);
  });

  test("accepts only the expected peer, by address or by name", async () => {
    const names = { "me.example": ["127.0.0.1"], "you.example": ["10.9.9.9"] };
    const world = new World({ names });
    await world.server({ bind: true });
    await world.local({ bind: true });
    const name = (text: string): string =>
      `05020003${text.length.toString(16).padStart(2, "0")}` +
      `${utf8(text).toHex()}0000`;
    const cases = [
      ["050200017f0000010000", true],
      [name("me.example"), true],
      ["050200010a0909090000", false],
      [name("you.example"), false],
    ] as const;
    for (const [request, accepted] of cases) {
      const { client, reply } = await world.connect(request);
      const bound = boundOf(reply);
      const peer = await world.network.dial(bound);
      await settle();
      if (accepted) {
        assert.deepEqual(boundOf(await readExactly(client, 10)), peer.local);
      } else {
        assert.equal((await readAll(peer.readable)).length, 0);
        // The stranger has not used the one connection up.
        (await world.network.dial(bound)).close();
      }
      client.close();
      peer.close();
      await world.clock.advance(60_000);
    }
    await world.stop();
    assert.equal(world.network.openConnections, 0);
    assert.equal(world.network.openListeners, 0);
  });

  test("accepts no peer that the server's policy refuses", async () => {
    const world = new World();
    await world.server({
      bind: true,
      targetPolicy: (ip) => ip === "127.0.0.1" ? "loopback" : undefined,
    });
    await world.local({ bind: true });
    const { client, reply } = await world.connect(ANYBODY);
    const peer = await world.network.dial(boundOf(reply));
    assert.equal((await readAll(peer.readable)).length, 0);
    client.close();
    peer.close();
    await world.clock.advance(60_000);
    await world.stop();
  });

  test("answers 06, when no peer connects in time, and stops listening", async () => {
    const world = new World();
    await world.server({ bind: true });
    await world.local({ bind: true });
    const { client, reply } = await world.connect(ANYBODY);
    const bound = boundOf(reply);
    await world.clock.advance(59_999);
    const reading = readAll(client.readable);
    await world.clock.advance(1);
    assert.equal((await reading).toHex(), "05060001000000000000");
    await assert.rejects(world.network.dial(bound));
    client.close();
    await settle();
    assert.equal(world.logged("code", "ERR_NET_TIMEOUT").length, 1);
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });

  test("says 01, when the expected peer has no address", async () => {
    const world = new World();
    await world.server({ bind: true });
    await world.local({ bind: true });
    const { client, reply } = await world.connect("0502000301610000");
    assert.equal(reply.toHex(), "05010001000000000000");
    assert.equal((await readAll(client.readable)).length, 0);
    client.close();
    await settle();
    await world.stop();
  });
});

describe("BIND is answered 07", () => {
  test("by a local that does not serve it, without asking a server", async () => {
    const world = new World();
    await world.server({ bind: true });
    await world.local();
    const { client, reply } = await world.connect(ANYBODY);
    assert.equal(reply.toHex(), REFUSED);
    assert.deepEqual(world.network.dialled, ["127.0.0.1:1080"]);
    client.close();
    await settle();
    await world.stop();
  });

  test("when the server does not know it: the name does not resolve", async () => {
    const world = new World();
    await world.server();
    await world.local({ bind: true });
    const { client, reply } = await world.connect(ANYBODY);
    assert.equal(reply.toHex(), REFUSED);
    assert.equal((await readAll(client.readable)).length, 0);
    client.close();
    await settle();
    const [line] = world.logged("code", "ERR_SOCKS_COMMAND");
    assert.match(String(line?.fields["reason"]), /start it with --bind/);
    assert.equal(world.logged("code", "ERR_NET_NAME_NOT_FOUND").length, 1);
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });

  test("when the server resets the connection", async () => {
    const world = new World();
    const server = await world.network.listen({ host: "10.0.0.2", port: 8388 });
    await world.local({ bind: true });
    const connecting = world.connect(ANYBODY);
    const far = await acceptFrom(server);
    far!.close();
    assert.equal((await connecting).reply.toHex(), REFUSED);
    (await connecting).client.close();
    await settle();
    await world.stop();
  });

  test("and SOCKS4 BIND 5B, whatever is served", async () => {
    const world = new World();
    await world.server({ bind: true });
    await world.local({ bind: true });
    const client = await world.network.dial(LOCAL);
    await send(client, hex("040200500000000000"));
    assert.equal((await readExactly(client, 8)).toHex(), "005b000000000000");
    client.close();
    await settle();
    await world.stop();
  });
});

test("isBindTarget() knows the target by name and port", () => {
  assert.ok(isBindTarget({ host: "bind.umbra.invalid", port: 1 }));
  assert.ok(!isBindTarget({ host: "bind.umbra.invalid", port: 2 }));
  assert.ok(!isBindTarget({ host: "umbra.invalid", port: 1 }));
});
