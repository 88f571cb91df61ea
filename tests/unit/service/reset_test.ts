import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { MemoryConnection } from "../../../src/adapters/net/memory.ts";
import { toLatin1 } from "../../../src/bytes.ts";
import type { Connection, Listener } from "../../../src/transport.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { observe, readExactly, send } from "../../support/streams.ts";
import { accepted, LOCAL, SERVER, World } from "../../support/world.ts";

/** What an application says first, and how long the answer is. */
const PROTOCOLS: Readonly<Record<string, [Uint8Array, number]>> = {
  SOCKS5: [hex("050100" + "050100010a0000030050"), 2 + 10],
  SOCKS4: [hex("04010050" + "0a000003" + "00"), 8],
  CONNECT: [toLatin1("CONNECT 10.0.0.3:80 HTTP/1.1\r\n\r\n"), 39],
};

/** Methods by what they tell of a stream that is cut. */
const METHODS = ["aes-128-gcm", "2022-blake3-aes-128-gcm", "aes-128-ctr"];

/** An application that speaks with a target. */
class Scene {
  readonly world: World;
  readonly target: Listener;

  private constructor(world: World, target: Listener) {
    this.world = world;
    this.target = target;
  }

  static async start(method = "aes-128-gcm"): Promise<Scene> {
    const world = new World({}, method);
    await world.server();
    await world.local();
    return new Scene(world, await world.target());
  }

  /** @returns Both ends, once a word has gone each way where it is answered. */
  async open(
    protocol: string,
    isAnswered = true,
  ): Promise<{ client: MemoryConnection; far: MemoryConnection }> {
    const [request, answerLength] = PROTOCOLS[protocol]!;
    const client = await this.world.network.dial(LOCAL);
    await send(client, request);
    await readExactly(client, answerLength);
    await send(client, utf8("question"));
    const far = await accepted(this.target) as MemoryConnection;
    await readExactly(far, 8);
    if (isAnswered) {
      await send(far, utf8("answer"));
      await readExactly(client, 6);
    }
    return { client, far };
  }

  async end(...connections: Connection[]): Promise<void> {
    for (const connection of connections) connection.close();
    await this.world.clock.advance(2_000);
    await this.world.stop();
    assert.equal(this.world.network.openConnections, 0);
  }
}

for (const protocol of Object.keys(PROTOCOLS)) {
  for (const method of METHODS) {
    for (const isAnswered of [true, false]) {
      const when = isAnswered ? "in mid-answer" : "before it answers";
      test(`an application of ${protocol} sees a reset, when the target resets ${when}, with ${method}`, async () => {
        const scene = await Scene.start(method);
        const { client, far } = await scene.open(protocol, isAnswered);
        const seen = observe(client);
        far.reset();
        await settle();
        assert.equal(seen().end, "ERR_NET_RESET");
        await scene.end(client, far);
      });
    }
  }

  test(`a target sees a reset, when the application of ${protocol} resets`, async () => {
    const scene = await Scene.start();
    const { client, far } = await scene.open(protocol);
    const seen = observe(far);
    client.reset();
    await settle();
    assert.equal(seen().end, "ERR_NET_RESET");
    await scene.end(client, far);
  });

  test(`an application of ${protocol} gets all that came before the target's reset`, async () => {
    const scene = await Scene.start();
    const { client, far } = await scene.open(protocol);
    const body = new Uint8Array(30_000).fill(7);
    await send(far, body);
    const seen = observe(client);
    await settle();
    far.reset();
    await settle();
    assert.deepEqual(seen(), { received: body, end: "ERR_NET_RESET" });
    await scene.end(client, far);
  });
}

describe("a stream that ends without its end", () => {
  for (const method of METHODS.slice(0, 2)) {
    test(`resets the application, when the server died, with ${method}`, async () => {
      const world = new World({}, method);
      await world.local();
      const server = await world.network.listen(SERVER);
      const { client } = await world.connect();
      const seen = observe(client);
      await send(client, utf8("question"));
      const far = await accepted(server);
      // Less than a salt: no chunk can be whole.
      await send(far, new Uint8Array(7));
      await far.closeWrite();
      await settle();
      assert.equal(seen().end, "ERR_NET_RESET");
      for (const one of [client, far]) one.close();
      await world.stop();
    });
  }

  test("resets the target, and the client is met with silence", async () => {
    const world = new World({}, "aes-128-gcm");
    await world.server();
    const target = await world.target();
    // The way to the server is cut inside a chunk.
    const middle = await world.network.listen({ host: "10.0.0.9", port: 1 });
    const { method, masterKey } = world;
    await world.local({
      servers: [{ endpoint: middle.address, method, masterKey }],
    });
    const { client } = await world.connect();
    await send(client, utf8("question"));
    const near = await accepted(middle);
    const onward = await world.network.dial(SERVER);
    const { value } = await near.readable.getReader().read();
    await send(onward, value!);
    const far = await accepted(target);
    await readExactly(far, 8);
    const [targetSees, clientSees] = [observe(far), observe(onward)];
    await send(onward, Uint8Array.of(1, 2, 3));
    await onward.closeWrite();
    await settle();
    assert.equal(targetSees().end, "ERR_NET_RESET");
    assert.deepEqual(clientSees(), { received: utf8(""), end: "fin" });
    for (const one of [client, near, onward, far]) one.close();
    await world.stop();
  });
});

describe("HTTP", () => {
  for (const version of ["1.0", "1.1"]) {
    test(`resets the application, when an answer of HTTP/${version} that ends with its connection is cut`, async () => {
      const scene = await Scene.start();
      const client = await scene.world.network.dial(LOCAL);
      const seen = observe(client);
      await send(
        client,
        toLatin1(
          `GET http://10.0.0.3/ HTTP/${version}\r\nHost: 10.0.0.3\r\n\r\n`,
        ),
      );
      const far = await accepted(scene.target) as MemoryConnection;
      await send(far, toLatin1("HTTP/1.0 200 OK\r\n\r\nabc"));
      await settle();
      far.reset();
      await settle();
      assert.equal(seen().end, "ERR_NET_RESET");
      await scene.end(client, far);
    });
  }

  test("resets the target, when the application resets in mid-request", async () => {
    const scene = await Scene.start();
    const client = await scene.world.network.dial(LOCAL);
    await send(
      client,
      toLatin1(
        "PUT http://10.0.0.3/ HTTP/1.1\r\nHost: 10.0.0.3\r\n" +
          "Content-Length: 9\r\n\r\nabc",
      ),
    );
    const far = await accepted(scene.target);
    const seen = observe(far);
    await settle();
    client.reset();
    await settle();
    assert.equal(seen().end, "ERR_NET_RESET");
    await scene.end(client, far);
  });
});
