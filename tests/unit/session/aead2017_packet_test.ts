import assert from "node:assert/strict";
import { test } from "node:test";
import { sealPacket } from "../../../src/codec/packet.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import { aead2017Packet } from "../../../src/session/aead2017_packet.ts";
import { utf8 } from "../../support/bytes.ts";
import { testKey } from "../../support/keys.ts";

const TARGET = { host: "example.com", port: 53 };

test("aead2017Packet() carries a question and its answer", () => {
  const protocol = aead2017Packet(testKey(), systemRandomBytes);
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

test("aead2017Packet() makes one association of each client address", () => {
  const protocol = aead2017Packet(testKey(), systemRandomBytes);
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

test("aead2017Packet() refuses port 0 from clients", () => {
  const key = testKey();
  const server = aead2017Packet(key, systemRandomBytes).server();
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
