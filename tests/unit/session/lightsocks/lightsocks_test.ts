/**
 * Both ends of lightsocks, with each other and with what is wrong.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import { makeLightsocksTable } from "../../../support/lightsocks_table.ts";
import { type ErrorCode, UmbraError } from "../../../../src/errors.ts";
import { MAX_HELD_BYTES } from "../../../../src/limits.ts";
import { ByteTable } from "../../../../src/session/lightsocks/byte_table.ts";
import { LightsocksClient } from "../../../../src/session/lightsocks/client.ts";
import { LightsocksServer } from "../../../../src/session/lightsocks/server.ts";
import { hex, utf8 } from "../../../support/bytes.ts";
import { seededRandomBytes, waysToCut } from "../../../support/ssr.ts";

const table = new ByteTable(makeLightsocksTable(seededRandomBytes()));
const EXAMPLE = { host: "example.com", port: 80 };
const ADDRESSES = [
  EXAMPLE,
  { host: "192.0.2.1", port: 443 },
  { host: "2001:db8::1", port: 1 },
];

describe("a client and a server", () => {
  for (const address of ADDRESSES) {
    test(`agree about ${address.host}, one message after the other`, () => {
      const client = new LightsocksClient(table);
      const server = new LightsocksServer(table);
      const greeting = client.request(address, utf8("first"));
      assert.deepEqual(table.decode(greeting), hex("050100"));
      assert.ok(client.isWaiting);
      assert.equal(client.seal(utf8(" second")).length, 0);

      const selection = server.accept(greeting);
      assert.equal(selection.request, undefined);
      assert.deepEqual(table.decode(selection.reply!), hex("0500"));
      const step = client.open(selection.reply!);
      const { request, reply } = server.accept(step.reply!);
      assert.equal(reply, undefined);
      assert.deepEqual(request, { address, payload: new Uint8Array(0) });

      const answer = server.answer();
      const begun = client.open(answer);
      assert.ok(!client.isWaiting);
      assert.deepEqual(
        server.open(begun.reply!).payload,
        utf8("first second"),
      );
      assert.deepEqual(
        client.open(server.seal(utf8("hello"))).payload,
        utf8("hello"),
      );
      assert.deepEqual(
        server.open(client.seal(utf8("bye"))).payload,
        utf8("bye"),
      );
      client.end();
      server.end();
    });
  }

  test("read messages that are split anywhere", () => {
    const up = table.encode(
      concat(hex("05020002"), hex("0501000107070707"), hex("0050")),
    );
    for (const parts of waysToCut(up)) {
      const server = new LightsocksServer(table);
      const steps = parts.map((part) => server.accept(part));
      assert.equal(steps.filter(({ reply }) => reply).length, 1);
      assert.deepEqual(steps.at(-1)?.request?.address, {
        host: "7.7.7.7",
        port: 80,
      });
    }
    const down = table.encode(concat(hex("0500"), hex("05000001000000000000")));
    for (const parts of waysToCut(down)) {
      const client = new LightsocksClient(table);
      client.request(EXAMPLE, utf8("first"));
      const replies = parts.map((part) => client.open(part).reply ?? hex(""));
      // What a server says ahead of time is read with its next bytes.
      const rest = client.isWaiting
        ? [client.open(hex("")).reply ?? hex("")]
        : [];
      const plain = table.decode(concat(...replies, ...rest));
      assert.deepEqual(plain.subarray(-5), utf8("first"));
    }
  });

  test("take payload that is joined to the request, and to the answer", () => {
    const server = new LightsocksServer(table);
    const joined = concat(hex("050100"), hex("050100010707070700506869"));
    const { request, reply } = server.accept(table.encode(joined));
    assert.deepEqual(request?.payload, utf8("hi"));
    assert.deepEqual(table.decode(reply!), hex("0500"));

    const client = new LightsocksClient(table);
    client.request(EXAMPLE, hex(""));
    client.open(table.encode(hex("0500")));
    const begun = client.open(table.encode(hex("050000010000000000006869")));
    assert.deepEqual(begun, { payload: utf8("hi") });
  });
});

describe("a server", () => {
  test("refuses what is no CONNECT in SOCKS5, and says nothing", () => {
    const bad: readonly (readonly [string, string])[] = [
      ["04", "ERR_SOCKS_VERSION"],
      ["0500", "ERR_SOCKS_NO_METHOD"],
      ["05010004", "ERR_SOCKS_VERSION"],
      ["05010005010002", "ERR_SOCKS_ADDRESS_TYPE"],
      ["0501000502000107070707" + "0050", "ERR_SOCKS_COMMAND"],
      ["0501000503000107070707" + "0050", "ERR_SOCKS_COMMAND"],
      ["0501000501000107070707" + "0000", "ERR_SS_ADDRESS_INVALID"],
      ["05010005010003000050", "ERR_SOCKS_MALFORMED"],
    ];
    for (const [bytes, code] of bad) {
      const server = new LightsocksServer(table);
      assert.throws(() => server.accept(table.encode(hex(bytes))), { code });
    }
  });

  test("knows that a request was cut short", () => {
    const whole = table.encode(hex("050100" + "05010001070707070050"));
    for (let length = 0; length < whole.length; length++) {
      const server = new LightsocksServer(table);
      assert.equal(server.accept(whole.subarray(0, length)).request, undefined);
      assert.throws(() => server.end(), { code: "ERR_SOCKS_TRUNCATED" });
    }
  });

  test("refuses a client with another table, or reads no request", () => {
    const other = new ByteTable(makeLightsocksTable(seededRandomBytes(9)));
    const server = new LightsocksServer(other);
    assert.throws(
      () => server.accept(table.encode(hex("050100"))),
      { code: "ERR_SOCKS_VERSION" },
    );
  });
});

describe("a client", () => {
  test("tells why the server could not reach the target", () => {
    const reasons: readonly (readonly [ErrorCode, ErrorCode])[] = [
      ["ERR_NET_OTHER", "ERR_NET_OTHER"],
      ["ERR_POLICY_TARGET", "ERR_POLICY_TARGET"],
      ["ERR_NET_UNREACHABLE", "ERR_NET_UNREACHABLE"],
      ["ERR_NET_NAME_NOT_FOUND", "ERR_NET_HOST_UNREACHABLE"],
      ["ERR_NET_REFUSED", "ERR_NET_REFUSED"],
    ];
    for (const [told, code] of reasons) {
      const client = new LightsocksClient(table);
      client.request(EXAMPLE, hex(""));
      client.open(table.encode(hex("0500")));
      assert.throws(
        () => client.open(new LightsocksServer(table).answer(told)),
        (error) => error instanceof UmbraError && error.code === code,
      );
    }
  });

  test("refuses a server that does not answer in SOCKS5", () => {
    const answers: readonly (readonly [string, string])[] = [
      ["0400", "ERR_SOCKS_VERSION"],
      ["0502", "ERR_SOCKS_NO_METHOD"],
      ["05ff", "ERR_SOCKS_NO_METHOD"],
    ];
    for (const [bytes, code] of answers) {
      const client = new LightsocksClient(table);
      client.request(EXAMPLE, hex(""));
      assert.throws(() => client.open(table.encode(hex(bytes))), { code });
    }
  });

  test("knows that the server left before it answered", () => {
    const client = new LightsocksClient(table);
    client.request(EXAMPLE, hex(""));
    assert.throws(() => client.end(), { code: "ERR_SOCKS_TRUNCATED" });
  });

  test("holds back so much and no more", () => {
    const client = new LightsocksClient(table);
    client.request(EXAMPLE, new Uint8Array(MAX_HELD_BYTES));
    assert.throws(() => client.seal(hex("00")), RangeError);
  });
});
