import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { METHODS } from "../../../src/crypto/method.ts";
import { publicTarget } from "../../../src/security/target_policy.ts";
import { hex, seededBytes, utf8 } from "../../support/bytes.ts";
import { settle } from "../../support/fake_clock.ts";
import { readAll, readExactly, send } from "../../support/streams.ts";
import { accepted, LOCAL, TARGET, World } from "../../support/world.ts";

for (const { name } of METHODS) {
  test(`client ⇄ local ⇄ server ⇄ target with ${name}`, async () => {
    const world = new World({ split: 1_009 }, name);
    await world.server();
    await world.local();
    const target = await world.target();
    const { client, reply } = await world.connect();
    assert.equal(reply[1], 0);

    const up = seededBytes(100_000, 1);
    const down = seededBytes(200_000, 2);
    const sending = send(client, up).then(() => client.closeWrite());
    const far = await accepted(target);
    assert.deepEqual(await readAll(far.readable), up);
    const answering = send(far, down).then(() => far.closeWrite());
    assert.deepEqual(await readAll(client.readable), down);
    await Promise.all([sending, answering]);
    client.close();
    far.close();
    await settle();
    assert.equal(world.network.openConnections, 0);

    const [line] = world.logged("target", "10.0.0.3:80");
    assert.equal(line?.fields["bytesUp"], up.length);
    assert.equal(line?.fields["bytesDown"], down.length);
    await world.stop();
  });
}

describe("local", () => {
  test("sends salt, address and first payload in one segment", async () => {
    const world = new World();
    await world.local();
    const server = await world.network.listen({ host: "10.0.0.2", port: 8388 });
    const { client } = await world.connect();
    await send(client, utf8("hello"));
    const far = await accepted(server);
    const reader = far.readable.getReader();
    const { value } = await reader.read();
    // salt | length chunk | address and payload | tag
    assert.equal(value?.length, 32 + 18 + 7 + 5 + 16);
    client.close();
    await world.stop();
  });

  test("sends the address alone, when the application waits to be spoken to", async () => {
    const world = new World();
    await world.server();
    await world.local();
    const target = await world.target();
    const { client } = await world.connect();
    await settle();
    assert.equal(world.network.dialled.includes("10.0.0.3:80"), false);
    await world.clock.advance(100);
    const far = await accepted(target);
    await send(far, utf8("220 welcome"));
    assert.deepEqual(await readExactly(client, 11), utf8("220 welcome"));
    client.close();
    far.close();
    await world.stop();
  });

  test("takes payload that came with the request, before its reply", async () => {
    const world = new World();
    await world.server();
    await world.local();
    const target = await world.target();
    const client = await world.network.dial(LOCAL);
    await send(
      client,
      hex("050100" + "050100010a0000030050" + utf8("hello").toHex()),
    );
    const far = await accepted(target);
    assert.deepEqual(await readExactly(far, 5), utf8("hello"));
    client.close();
    far.close();
    await world.stop();
  });

  test("asks for user and password, and refuses other clients", async () => {
    const world = new World();
    await world.server();
    await world.local({ users: [{ username: "ann", password: "secret" }] });
    await world.target();
    const cases = [["ann", "secret", "0100"], ["ann", "wrong", "0101"], [
      "bob",
      "secret",
      "0101",
    ]];
    for (const [username, password, status] of cases) {
      const client = await world.network.dial(LOCAL);
      await send(client, hex("050102"));
      assert.equal((await readExactly(client, 2)).toHex(), "0502");
      const credentials = [1, username!.length, ...utf8(username!)]
        .concat([password!.length, ...utf8(password!)]);
      await send(client, Uint8Array.from(credentials));
      assert.equal((await readExactly(client, 2)).toHex(), status);
      if (status === "0101") {
        assert.equal((await readAll(client.readable)).length, 0);
      }
      client.close();
    }
    const anonymous = await world.network.dial(LOCAL);
    await send(anonymous, hex("050100"));
    assert.equal((await readAll(anonymous.readable)).toHex(), "05ff");
    anonymous.close();
    await world.stop();
    assert.ok(!JSON.stringify(world.lines).includes("secret"));
  });

  test("answers BIND and UDP ASSOCIATE with 07, port 0 with 01", async () => {
    const world = new World();
    await world.local();
    const cases = [["02", "0050", 7], ["03", "0000", 7], ["09", "0050", 7], [
      "01",
      "0000",
      1,
    ]];
    for (const [command, port, rep] of cases) {
      const { client, reply } = await world.connect(
        `05${command}00010a000003${port}`,
      );
      assert.equal(reply[1], rep);
      assert.equal((await readAll(client.readable)).length, 0);
      client.close();
    }
    await world.stop();
  });

  test("maps an error of the dial to its reply code", async () => {
    const failures = new Map();
    const world = new World({ dialFailures: failures });
    await world.local();
    const cases = [
      ["ERR_NET_REFUSED", 5],
      ["ERR_NET_UNREACHABLE", 3],
      ["ERR_NET_HOST_UNREACHABLE", 4],
      ["ERR_NET_TIMEOUT", 4],
      ["ERR_NET_PERMISSION", 2],
      ["ERR_NET_DESCRIPTORS", 1],
      ["ERR_NET_OTHER", 1],
    ] as const;
    for (const [code, rep] of cases) {
      failures.set("10.0.0.2:8388", code);
      const { client, reply } = await world.connect();
      assert.equal(reply[1], rep, code);
      client.close();
    }
    await world.stop();
  });

  test("gives a server that hangs its deadline, then says 04", async () => {
    const world = new World({
      dialFailures: new Map([["10.0.0.2:8388", "hang"]]),
    });
    await world.local({ connectTimeoutMs: 1_000 });
    const connecting = world.connect();
    await world.clock.advance(999);
    assert.equal(world.lines.length, 0);
    await world.clock.advance(1);
    assert.equal((await connecting).reply[1], 4);
    await world.stop();
  });

  test("says 04, when the server's name does not exist", async () => {
    const world = new World();
    const { method, masterKey } = world;
    const endpoint = { host: "gone.example", port: 1 };
    await world.local({ servers: [{ endpoint, method, masterKey }] });
    assert.equal((await world.connect()).reply[1], 4);
    await world.stop();
  });

  test("tries the next server, and stays with the one that answers", async () => {
    const failures = new Map([["10.0.0.9:1", "ERR_NET_REFUSED" as const]]);
    const world = new World({ dialFailures: failures });
    await world.server();
    const { method, masterKey } = world;
    const servers = [
      { endpoint: { host: "10.0.0.9", port: 1 }, method, masterKey },
      { endpoint: { host: "10.0.0.2", port: 8388 }, method, masterKey },
    ];
    await world.local({ servers });
    for (let i = 0; i < 3; i++) {
      assert.equal((await world.connect()).reply[1], 0);
    }
    const tries = world.network.dialled.filter((to) => to === "10.0.0.9:1");
    assert.equal(tries.length, 1);
    await world.stop();
  });

  test("gives up on an application that does not finish its handshake", async () => {
    const world = new World();
    await world.local({ handshakeTimeoutMs: 500 });
    const client = await world.network.dial(LOCAL);
    await send(client, hex("05"));
    await world.clock.advance(500);
    assert.equal((await readAll(client.readable)).length, 0);
    await world.clock.advance(2_000);
    client.close();
    await settle();
    assert.equal(world.network.openConnections, 0);
    await world.stop();
  });
});

describe("server", () => {
  test("resolves the name itself", async () => {
    const world = new World({ names: { "site.example": ["10.0.0.3"] } });
    await world.server();
    await world.local();
    await world.target();
    const name = utf8("site.example").toHex();
    const { client } = await world.connect(`0501000` + `30c${name}0050`);
    await send(client, utf8("x"));
    await settle();
    assert.ok(world.network.dialled.includes("10.0.0.3:80"));
    client.close();
    await world.stop();
  });

  test("closes promptly, when the target cannot be reached", async () => {
    const world = new World();
    await world.server();
    await world.local();
    const { client, reply } = await world.connect();
    assert.equal(reply[1], 0);
    await send(client, utf8("x"));
    await settle();
    assert.equal((await readAll(client.readable)).length, 0);
    const [line] = world.logged("code", "ERR_NET_REFUSED");
    assert.equal(line?.fields["target"], "10.0.0.3:80");
    client.close();
    await world.stop();
  });

  test("does not dial what its policy refuses, judged after the look-up", async () => {
    const world = new World({
      names: { "rebind.example": ["10.0.0.3", "10.0.0.4"] },
    });
    await world.server({
      targetPolicy: publicTarget,
    });
    await world.local();
    await world.target();
    const name = utf8("rebind.example").toHex();
    const { client } = await world.connect(`050100030e${name}0050`);
    await send(client, utf8("x"));
    await settle();
    assert.equal((await readAll(client.readable)).length, 0);
    assert.ok(!world.network.dialled.includes("10.0.0.3:80"));
    const [line, second] = world.logged("code", "ERR_POLICY_TARGET");
    assert.equal(second, undefined);
    assert.equal(
      line?.fields["reason"],
      "Cannot dial rebind.example: its address is private; " +
        "--allow-private lets clients reach it",
    );
    client.close();
    await world.stop();
  });

  test("resets an idle connection at both ends", async () => {
    const world = new World();
    await world.server({ idleTimeoutMs: 1_000 });
    await world.local({ idleTimeoutMs: 5_000 });
    const target = await world.target();
    const { client } = await world.connect();
    await send(client, utf8("x"));
    const far = await accepted(target);
    await readExactly(far, 1);
    await world.clock.advance(1_000);
    for (const { readable } of [far, client]) {
      await assert.rejects(readAll(readable), { code: "ERR_NET_RESET" });
    }
    assert.equal(world.logged("code", "ERR_NET_IDLE").length, 1);
    client.close();
    far.close();
    await world.stop();
    assert.equal(world.network.openConnections, 0);
  });
});

test("stop() lets a transfer finish within the grace, then ends what is left", async () => {
  const world = new World();
  const server = await world.server();
  await world.local();
  const target = await world.target();
  const { client } = await world.connect();
  await send(client, utf8("x"));
  const far = await accepted(target);
  await readExactly(far, 1);
  let stopped = false;
  const stopping = server.stop(5_000).then(() => stopped = true);
  await world.clock.advance(4_000);
  await send(far, utf8("still here"));
  assert.deepEqual(await readExactly(client, 10), utf8("still here"));
  assert.ok(!stopped);
  await assert.rejects(world.network.dial({ host: "10.0.0.2", port: 8388 }));
  await world.clock.advance(1_000);
  await stopping;
  assert.equal(world.logged("code", "ERR_NET_ABORTED").length, 1);
  client.close();
  far.close();
  await world.stop();
  assert.equal(world.network.openConnections, 0);
  assert.equal(TARGET.port, 80);
});
