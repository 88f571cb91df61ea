import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMethod } from "../../../src/crypto/method.ts";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readAll, send } from "../../support/streams.ts";
import { accepted, SERVER, World } from "../../support/world.ts";

/** Its keys are as long as those of the method in use, which takes none. */
const METHOD = findMethod("aes-256-gcm");

describe("the log of a server", () => {
  for (const users of [[], ["ann"]]) {
    const whose = users.length === 0 ? "the server's" : "any user's";
    test(`names the key as the cause, when a client has another than ${whose}`, async () => {
      const world = new World({}, "2022-blake3-aes-256-gcm");
      const { method, masterKey } = world;
      const key = (text: string): Uint8Array =>
        masterKeyFromPassword(text, METHOD);
      await world.server({
        users: users.map((name) => ({ name, masterKey: key(name) })),
      });
      await world.local({
        servers: [{
          endpoint: SERVER,
          method,
          masterKey: key("another"),
          ...users.length > 0 && { identityKeys: [masterKey] },
        }],
      });
      const { client } = await world.connect();
      await send(client, utf8("hello"));
      await settle();
      const code = users.length > 0
        ? "ERR_SS_USER_UNKNOWN"
        : "ERR_SS_AUTHENTICATION";
      const [line] = world.logged("code", code);
      assert.equal(line?.message, "connection refused");
      assert.match(String(line?.fields["reason"]), /^Client has another/);
      client.close();
      await world.stop();
    });
  }
});

describe("the log of a local", () => {
  test("tells of a server that stopped as of a failure, not of a refusal", async () => {
    const world = new World();
    await world.server();
    const { method, masterKey } = world;
    const endpoint = { host: "10.0.0.5", port: 8388 };
    await world.local({ servers: [{ endpoint, method, masterKey }] });
    const between = await world.network.listen(endpoint);
    const target = await world.target();
    const { client } = await world.connect();
    await send(client, utf8("hello"));
    const near = await accepted(between);
    const server = await world.network.dial(SERVER);
    // It ends with the reset that is passed on.
    near.readable.pipeTo(server.writable).catch(() => {});
    const far = await accepted(target);
    await send(far, utf8("half of this arrives"));
    const { value } = await server.readable.getReader().read();
    await send(near, value!.subarray(0, -5));
    await near.closeWrite();
    await assert.rejects(readAll(client.readable), { code: "ERR_NET_RESET" });
    const [line] = world.logged("code", "ERR_SS_TRUNCATED");
    assert.equal(line?.message, "connection failed");
    assert.match(String(line?.fields["reason"]), /ended inside a unit/);
    for (const one of [client, near, server, far]) one.close();
    await world.stop();
  });

  for (const password of ["password", "another"]) {
    const right = password === "password";
    test(`doubts a server after 10 s, once, when its key is ${right ? "right: not" : "wrong"}`, async () => {
      const world = new World();
      const { method } = world;
      const masterKey = masterKeyFromPassword(password, method);
      await world.server();
      await world.local({ servers: [{ endpoint: SERVER, method, masterKey }] });
      const target = await world.target();
      const first = await world.connect();
      await send(first.client, utf8("hello"));
      await settle();
      if (right) {
        const far = await accepted(target);
        await send(far, utf8("hello"));
        await settle();
        far.close();
        first.client.close();
      }
      await world.clock.advance(9_999);
      const doubts = (): number =>
        world.lines.filter(({ message }) => message === "server is silent")
          .length;
      assert.equal(doubts(), 0);
      const second = await world.connect();
      await send(second.client, utf8("hello"));
      await settle();
      await world.clock.advance(15_000);
      assert.equal(doubts(), right ? 0 : 1);
      for (const { client } of [first, second]) client.close();
      await world.stop();
    });
  }

  test("says what did not answer, when a dial takes too long", async () => {
    const world = new World({
      names: { "server.example": ["10.0.0.9"] },
      dialFailures: new Map([["10.0.0.9:8388", "hang"]]),
    });
    const { method, masterKey } = world;
    const endpoint = { host: "server.example", port: 8388 };
    await world.local({ servers: [{ endpoint, method, masterKey }] });
    const asked = world.connect();
    await settle();
    await world.clock.advance(10_000);
    const { client } = await asked;
    await settle();
    const [line] = world.logged("code", "ERR_NET_TIMEOUT");
    assert.equal(
      line?.fields["reason"],
      "Cannot connect to server.example port 8388: no answer after 10 s",
    );
    client.close();
    await world.stop();
  });
});
