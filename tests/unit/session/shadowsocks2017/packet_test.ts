import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { sealPacket } from "../../../../src/codec/packet.ts";
import { PolicyError, ProtocolError } from "../../../../src/errors.ts";
import { MAX_TRIAL_BYTES, MAX_TRIAL_USERS } from "../../../../src/limits.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import {
  PacketServer2017,
} from "../../../../src/session/shadowsocks2017/packet.ts";
import { Users2017 } from "../../../../src/session/shadowsocks2017/users.ts";
import { utf8 } from "../../../support/bytes.ts";
import { testKey } from "../../../support/keys.ts";
import { packets2017 } from "../../../support/sessions.ts";

const TARGET = { host: "example.com", port: 53 };

test("packets2017() carries a question and its answer", () => {
  const protocol = packets2017(testKey(), systemRandomBytes);
  const client = protocol.client();
  const server = protocol.server();
  const from = { host: "192.0.2.1", port: 4_000 };

  const question = { address: TARGET, payload: utf8("question") };
  const { association, ...opened } = server.open(client.seal(question), from);
  assert.deepEqual(opened, question);

  const source = { host: "198.51.100.1", port: 53 };
  const answer = { address: source, payload: utf8("answer") };
  assert.deepEqual(client.open(server.seal(association, answer)), answer);
  server.end(association);
  client.free();
});

test("packets2017() makes one association of each client address", () => {
  const protocol = packets2017(testKey(), systemRandomBytes);
  const client = protocol.client();
  const server = protocol.server();
  const name = (host: string, port: number): string =>
    server.open(client.seal({ address: TARGET, payload: utf8("x") }), {
      host,
      port,
    }).association;
  assert.equal(name("192.0.2.1", 1), name("192.0.2.1", 1));
  const names = [
    name("192.0.2.1", 1),
    name("192.0.2.1", 2),
    name("192.0.2.2", 1),
    name("::1", 1),
  ];
  assert.equal(new Set(names).size, 4);
});

test("packets2017() refuses port 0 from clients", () => {
  const key = testKey();
  const server = packets2017(key, systemRandomBytes).server();
  const packet = sealPacket(key, systemRandomBytes, {
    address: { host: "192.0.2.1", port: 0 },
    payload: utf8("x"),
  });
  assert.throws(
    () => server.open(packet, { host: "192.0.2.9", port: 1 }),
    (error) =>
      error instanceof ProtocolError && error.code === "ERR_SS_ADDRESS_INVALID",
  );
});

describe("PacketServer2017 with several users", () => {
  const method = testKey().method;
  const users = Array.from({ length: MAX_TRIAL_USERS }, (_, i) => ({
    name: `user ${i}`,
    masterKey: testKey(method.name, `password ${i}`),
  }));
  const from = { host: "192.0.2.1", port: 4_000 };
  const seal = (user: number, length: number): Uint8Array => {
    const packet = { address: TARGET, payload: new Uint8Array(length) };
    return sealPacket(users[user]!.masterKey, systemRandomBytes, packet);
  };
  const start = (): PacketServer2017 => {
    const table = new Users2017(method);
    table.set(users);
    return new PacketServer2017(table, systemRandomBytes);
  };

  test("finds whose key it was, and answers with it", () => {
    const server = start();
    for (const i of [255, 0, 7]) {
      const { user, association } = server.open(seal(i, 100), from);
      assert.equal(user, `user ${i}`);
      const answer = { address: TARGET, payload: utf8("answer") };
      const client = packets2017(users[i]!.masterKey, systemRandomBytes)
        .client();
      assert.deepEqual(client.open(server.seal(association, answer)), answer);
      server.end(association);
      assert.throws(() => server.seal(association, answer), TypeError);
    }
  });

  test("tries no more keys than a packet's length allows, the last one first", () => {
    const server = start();
    const overhead = 32 + 1 + 1 + 11 + 2 + 16;
    const most = MAX_TRIAL_BYTES / MAX_TRIAL_USERS - overhead;
    const tooMany = (user: number, length: number): void =>
      assert.throws(
        () => server.open(seal(user, length), from),
        (error) =>
          error instanceof PolicyError && error.code === "ERR_POLICY_LIMIT",
      );
    assert.equal(server.open(seal(254, most), from).user, "user 254");
    assert.equal(server.open(seal(254, 60_000), from).user, "user 254");
    // With 254's in vain, there are keys for 254 others.
    assert.equal(server.open(seal(253, most), from).user, "user 253");
    tooMany(255, most + 100);
    tooMany(254, 60_000);
    assert.equal(server.open(seal(3, 60_000), from).user, "user 3");
    // A server of one user takes the largest.
    const one = packets2017(users[0]!.masterKey, systemRandomBytes).server();
    one.open(seal(0, 65_000), from);
  });
});
