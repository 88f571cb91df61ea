import assert from "node:assert/strict";
import { test } from "node:test";
import { findMethod } from "../../../../src/crypto/method.ts";
import { ConfigError } from "../../../../src/errors.ts";
import {
  prefixedSalts,
  readSaltPrefix,
  saltPrefixWarning,
} from "../../../../src/session/shadowsocks2017/salt_prefix.ts";
import {
  clientProtocol,
  serverProtocol,
} from "../../../../src/session/families.ts";
import { withDefaults } from "../../../../src/service/service.ts";
import { parseServerUri } from "../../../../src/codec/uri.ts";
import { masterKeyFromPassword } from "../../../../src/crypto/master_key.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { memoryTransport } from "../../../../src/adapters/net/memory.ts";

const METHOD = findMethod("chacha20-ietf-poly1305");
const WORLD = withDefaults({ transport: memoryTransport() });

test("readSaltPrefix() takes each character as one byte", () => {
  assert.deepEqual(readSaltPrefix("POST ", METHOD), utf8("POST "));
  assert.deepEqual(
    readSaltPrefix("\x16\x03\x01\0\xc2\xa8\x01\x01", METHOD),
    hex("16030100c2a80101"),
  );
});

test("readSaltPrefix() leaves 8 bytes of a salt to chance", () => {
  for (
    const [name, room, salt] of [
      ["aes-128-gcm", 8, 16],
      ["aes-192-gcm", 16, 24],
      ["aes-256-gcm", 24, 32],
    ] as const
  ) {
    const method = findMethod(name);
    assert.equal(readSaltPrefix("x".repeat(room), method).length, room);
    assert.throws(
      () => readSaltPrefix("x".repeat(room + 1), method),
      says(
        `prefix: got ${room + 1} bytes, this method allows ${room} of ${salt}`,
      ),
    );
  }
});

test("readSaltPrefix() refuses what is no byte, and methods without salts", () => {
  for (const text of ["\u0100", "a\u20ac", "\ud800", "\u{1f600}"]) {
    assert.throws(
      () => readSaltPrefix(text, METHOD),
      says("prefix: a character is not in the range U+0000 to U+00FF"),
    );
  }
  assert.throws(
    () => readSaltPrefix("a", findMethod("2022-blake3-aes-128-gcm")),
    says("prefix: not possible with 2022 methods"),
  );
  assert.throws(
    () => readSaltPrefix("a", findMethod("rc4-md5", { allowLegacy: true })),
    says("prefix: not possible with rc4-md5, which has no salts"),
  );
});

test("saltPrefixWarning() warns below 12 random bytes", () => {
  const method = findMethod("aes-128-gcm");
  assert.equal(saltPrefixWarning(utf8("POST"), method), undefined);
  assert.match(saltPrefixWarning(utf8("POST "), method)!, /^prefix: 11 random/);
});

test("prefixedSalts() leaves the rest of a salt to chance", () => {
  const random = (length: number): Uint8Array => new Uint8Array(length).fill(7);
  const salts = prefixedSalts(random, utf8("GET"));
  assert.deepEqual(salts(5), hex("4745540707"));
  assert.equal(prefixedSalts(random, undefined), random);
});

test("a client with a prefix is understood, in streams and in packets", () => {
  const masterKey = masterKeyFromPassword("password", METHOD);
  const keys = { method: METHOD, masterKey };
  const server = serverProtocol(keys, {
    ...WORLD,
    replayFilter: WORLD.replayFilter("recent"),
  });
  const client = clientProtocol({
    ...keys,
    saltPrefix: utf8("SSH-2.0\r\n"),
    packetSaltPrefix: hex("0000"),
  }, WORLD);
  const address = { host: "192.0.2.1", port: 80 };
  for (let i = 0; i < 100; i++) {
    const stream = client.stream();
    const bytes = stream.request(address, utf8("hello"));
    assert.deepEqual(bytes.slice(0, 9), utf8("SSH-2.0\r\n"));
    const { request } = server.stream().accept(bytes);
    assert.deepEqual(request?.payload, utf8("hello"));
    const packet = client.packets().seal({ address, payload: utf8("hi") });
    assert.deepEqual(packet.slice(0, 2), hex("0000"));
    const from = { host: "192.0.2.2", port: 1 };
    assert.deepEqual(server.packets.open(packet, from).payload, utf8("hi"));
  }
});

test("a prefix of a link is what it was when it was written", () => {
  const prefix = "\x16\x03\x01\x00\xc2\xa8\x01\x01";
  const uri =
    "ss://YWVzLTI1Ni1nY206cGFzcw@example.com:8388/?outline=1&prefix=" +
    "%16%03%01%00%C3%82%C2%A8%01%01#name";
  assert.equal(parseServerUri(uri).prefix, prefix);
  assert.deepEqual(parseServerUri(uri).extra, [["outline", "1"]]);
});

function says(message: string): (error: unknown) => boolean {
  return (error) => error instanceof ConfigError && error.message === message;
}
