import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { crc32c } from "../../../src/codec/checksum.ts";
import {
  readProxyHeader,
  readSpectrumHeader,
  SPECTRUM_LENGTH,
} from "../../../src/codec/proxy_header.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { MAX_PROXY_BODY } from "../../../src/limits.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { feedThreeWays } from "../../support/feed_three_ways.ts";

const hex = (text: string): Uint8Array =>
  Uint8Array.fromHex(text.replaceAll(" ", ""));
const SIGNATURE = "0d0a0d0a000d0a515549540a";

/** What HAProxy 2.6.12 and nginx 1.22.1 sent, and forms of the specification. */
const HEADERS: readonly (readonly [
  wire: Uint8Array,
  client: { readonly host: string; readonly port: number } | undefined,
])[] = [
  [utf8("PROXY TCP4 127.0.0.9 127.0.0.1 59321 17101\r\n"), {
    host: "127.0.0.9",
    port: 59_321,
  }],
  [utf8("PROXY TCP6 2001:db8::7 ::1 0 65535\r\n"), {
    host: "2001:db8::7",
    port: 0,
  }],
  [utf8("PROXY UNKNOWN\r\n"), undefined],
  [utf8("PROXY UNKNOWN 1 2 3 whatever\r\n"), undefined],
  [hex(`${SIGNATURE} 21 11 000c 7f000009 7f000001 df73 42ce`), {
    host: "127.0.0.9",
    port: 57_203,
  }],
  [
    hex(
      `${SIGNATURE} 21 21 0024 20010db8000000000000000000000007 ` +
        "00000000000000000000000000000001 e7b9 20c4",
    ),
    { host: "2001:db8::7", port: 59_321 },
  ],
  [
    hex(
      `${SIGNATURE} 21 21 0024 00000000000000000000ffffc0000207 ` +
        "00000000000000000000ffffc0000201 e7b9 20c4",
    ),
    { host: "192.0.2.7", port: 59_321 },
  ],
  // An unknown family, a unix socket, and a field that is only padding.
  [hex(`${SIGNATURE} 21 00 0000`), undefined],
  [concat(hex(`${SIGNATURE} 21 31 00d8`), new Uint8Array(216)), undefined],
  [hex(`${SIGNATURE} 21 11 0010 c0000207 c0000201 0001 0002 04 0001 ff`), {
    host: "192.0.2.7",
    port: 1,
  }],
];

for (const [wire, client] of HEADERS) {
  const name = wire[0] === 0x50
    ? JSON.stringify(new TextDecoder().decode(wire))
    : wire.toHex().slice(24, 60);
  test(`readProxyHeader() reads ${name}, split anywhere`, () => {
    feedThreeWays(readProxyHeader, wire, {
      isLocal: false,
      ...client && { client },
    });
  });
}

test("readProxyHeader() knows the proxy that speaks for itself", () => {
  const local = hex(`${SIGNATURE} 20 00 0007 03 0004 a9b87e8f`);
  feedThreeWays(readProxyHeader, local, { isLocal: true });
});

test("readProxyHeader() checks the checksum, whichever bit is wrong", () => {
  const header = hex(
    `${SIGNATURE} 21 11 0016 7f000009 7f000001 df73 42ce 03 0004 00000000 ` +
      "05 0000",
  );
  const view = new DataView(header.buffer, header.byteOffset);
  view.setUint32(31, crc32c(header));
  assert.equal(readProxyHeader(header)?.length, header.length);
  for (let bit = 16 * 8; bit < 28 * 8; bit++) {
    const changed = header.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assert.throws(() => readProxyHeader(changed), { code: "ERR_PROXY_HEADER" });
  }
});

test("readProxyHeader() refuses what cannot become a header, at once", () => {
  const long = new Uint8Array(2);
  new DataView(long.buffer).setUint16(0, MAX_PROXY_BODY + 1);
  const bad: readonly Uint8Array[] = [
    utf8("G"),
    utf8("PROXx"),
    utf8("PROXY TCP4 127.0.0.9 127.0.0.1 59321\r\n"),
    utf8("PROXY TCP4 127.0.0.9 127.0.0.1 59321 1 2\r\n"),
    utf8("PROXY TCP4 ::1 127.0.0.1 59321 1\r\n"),
    utf8("PROXY TCP6 127.0.0.9 127.0.0.1 59321 1\r\n"),
    utf8("PROXY TCP4 127.0.0.9 127.0.0.1 65536 1\r\n"),
    utf8("PROXY TCP4 127.0.0.9 127.0.0.1 01 1\r\n"),
    utf8("PROXY TCP5 127.0.0.9 127.0.0.1 1 1\r\n"),
    utf8("PROXY UNKNOWN\n"),
    utf8(`PROXY UNKNOWN ${"x".repeat(93)}`),
    hex(`${SIGNATURE} 31`),
    hex(`${SIGNATURE} 22`),
    hex(`${SIGNATURE} 21 41`),
    hex(`${SIGNATURE} 21 12`),
    hex(`${SIGNATURE} 21 11 000b`),
    concat(hex(`${SIGNATURE} 21 11`), long),
    hex(`${SIGNATURE} 21 00 0002 0400`),
    hex(`${SIGNATURE} 21 00 0003 040001`),
    hex(`${SIGNATURE} 20 00 0004 030001 00`),
  ];
  for (const bytes of bad) {
    assert.throws(
      () => readProxyHeader(bytes),
      { name: "ProtocolError", code: "ERR_PROXY_HEADER" },
      bytes.toHex(),
    );
  }
  const datagram = hex(`${SIGNATURE} 21 12 000c 7f000009 7f000001 df73 42ce`);
  assert.equal(readProxyHeader(datagram, "datagram")?.length, 28);
});

test("readProxyHeader() fails in one way only, for any bytes", () => {
  for (let seed = 0; seed < 100_000; seed++) {
    const noise = seededBytes(1 + seed % 61, seed);
    const [wire] = HEADERS[seed % HEADERS.length]!;
    const bytes = wire.slice(0, 300);
    // Noise alone would not get far.
    bytes[noise[0]! % bytes.length]! ^= noise.at(-1)! || 1;
    const input = seed % 7 === 0 ? noise : bytes;
    try {
      const read = readProxyHeader(input);
      assert.ok(read === undefined || read.length <= input.length);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
      assert.equal(error.code, "ERR_PROXY_HEADER");
    }
  }
});

test("readSpectrumHeader() reads 38 bytes, and takes nothing else for them", () => {
  const header = hex(
    "56ec 00000000000000000000ffffc0000207 " +
      "20010db8000000000000000000000001 e7b9 20c4",
  );
  assert.equal(header.length, SPECTRUM_LENGTH);
  const behind = concat(header, utf8("payload"));
  const client = { host: "192.0.2.7", port: 59_321 };
  assert.deepEqual(readSpectrumHeader(behind), client);
  assert.deepEqual(readSpectrumHeader(header), client);
  for (let cut = 0; cut < header.length; cut++) {
    assert.equal(readSpectrumHeader(header.subarray(0, cut)), undefined);
  }
  for (let bit = 0; bit < 16; bit++) {
    const changed = header.slice();
    changed[bit >>> 3]! ^= 1 << (bit & 7);
    assert.equal(readSpectrumHeader(changed), undefined);
  }
});
