import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { serverNameOf } from "../../../src/codec/client_hello.ts";
import { firstName } from "../../../src/codec/first_name.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import {
  clientHello,
  OPENSSL_HELLO,
  record,
  RFC8448_HELLO,
} from "../../support/client_hello.ts";

function nameOf(bytes: Uint8Array): string {
  const first = firstName(bytes);
  return first.kind === "name" ? first.name : `(${first.kind})`;
}

test("the ClientHello of RFC 8448 §3, and one of OpenSSL", () => {
  assert.equal(serverNameOf(RFC8448_HELLO), "server");
  assert.equal(nameOf(OPENSSL_HELLO), "www.example.com");
});

test("more is wanted until the last byte, and none behind it is looked at", () => {
  const request = utf8("GET / HTTP/1.1\r\nHost: a.test:8080\r\nX: y\r\n\r\n");
  for (
    const [wire, name] of [[OPENSSL_HELLO, "www.example.com"], [
      request,
      "a.test",
    ]] as const
  ) {
    for (let cut = 0; cut < wire.length; cut++) {
      assert.equal(nameOf(wire.subarray(0, cut)), "(more)", `at ${cut}`);
    }
    const input = concat(wire, new Uint8Array(300).fill(5));
    const before = input.slice();
    assert.equal(nameOf(input), name);
    assert.deepEqual(input, before);
  }
});

test("a ClientHello may be split over records anywhere", () => {
  const message = OPENSSL_HELLO.subarray(5);
  for (let at = 1; at < message.length; at++) {
    const wire = concat(
      record(message.subarray(0, at)),
      record(message.subarray(at)),
    );
    assert.equal(nameOf(wire), "www.example.com");
    assert.equal(nameOf(wire.subarray(0, at + 5)), "(more)");
  }
  const single = Array.from(message, (byte) => record(Uint8Array.of(byte)));
  assert.equal(nameOf(concat(...single)), "www.example.com");
});

test("every bit flipped is a name, none, or more", () => {
  for (
    const wire of [OPENSSL_HELLO, utf8("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
  ) {
    for (let bit = 0; bit < wire.length * 8; bit++) {
      const flipped = wire.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      assert.match(nameOf(flipped), /^(?:\((?:none|more)\)|[\w.-]+)$/);
    }
  }
});

test("what is no name of a host is none", () => {
  for (
    const name of [
      "",
      "192.0.2.1",
      "127.1",
      "0x7f000001",
      "a.0x1",
      "[2001:db8::1]",
      "a b",
      "a..b",
      "a/b",
      "a\u0000.test",
      "ü.test",
      "a".repeat(256),
    ]
  ) {
    assert.equal(nameOf(clientHello(name)), "(none)", name);
    assert.equal(nameOf(request(name)), "(none)", name);
  }
  assert.equal(nameOf(clientHello("A.Test.")), "a.test");
  assert.equal(nameOf(request("A.Test.:80")), "a.test");
});

test("only a request for a server tells its host", () => {
  for (
    const [text, name] of [
      ["GET http://a.test/ HTTP/1.1\r\nHost: a.test\r\n\r\n", "(none)"],
      ["CONNECT a.test:443 HTTP/1.1\r\nHost: a.test\r\n\r\n", "(none)"],
      ["OPTIONS * HTTP/1.0\r\nHost: a.test\r\n\r\n", "a.test"],
      ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "(none)"],
      ["GET / HTTP/1.1\r\n\r\n", "(none)"],
      ["GET / HTTP/1.1\r\nHost: a.test\r\nhost: b.test\r\n\r\n", "(none)"],
      ["GET / HTTP/1.1\r\nHost : a.test\r\n\r\n", "(none)"],
      ["GET / HTTP/1.1\nHost: a.test\n\n", "(more)"],
      ["SSH-2.0-OpenSSH_9.2\r\n", "(none)"],
      ["EHLO a.test\r\n", "(none)"],
      ["get / HTTP/1.1\r\nHost: a.test\r\n\r\n", "(none)"],
    ] as const
  ) {
    assert.equal(nameOf(utf8(text)), name, text);
  }
});

test("other records, other messages and other lists have no name", () => {
  for (
    const wire of [
      "1503010002",
      "1602010001",
      "16030100000",
      "1603014001",
      "160301000402000000",
      // No extensions; none at all behind the compression.
      "16030100290100002503030000000000000000000000000000000000000000000000" +
      "0000000000000000000000020000" + "00",
    ]
  ) {
    assert.equal(nameOf(hex(wire.slice(0, wire.length & ~1))), "(none)", wire);
  }
  assert.equal(nameOf(clientHello(undefined)), "(none)");
  // A kind of name that is not a host's comes first.
  assert.equal(nameOf(clientHello("b.test", "010001ff")), "b.test");
});

function request(host: string): Uint8Array {
  return utf8(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
}
