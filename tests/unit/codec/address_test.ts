import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import {
  decodeAddress,
  encodeAddress,
  formatAddress,
} from "../../../src/codec/address.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { hex, unaligned, utf8 } from "../../support/bytes.ts";

const CASES = [
  { host: "1.2.3.4", port: 80, bytes: "01010203040050" },
  { host: "::1", port: 443, bytes: `04${"00".repeat(15)}0101bb` },
  { host: "a", port: 0, bytes: "0301610000" },
  {
    host: "bücher.example",
    port: 65_535,
    bytes: "030f62c3bc636865722e6578616d706c65ffff",
  },
  { host: "x".repeat(255), port: 1, bytes: `03ff${"78".repeat(255)}0001` },
];

test("encodeAddress() writes the wire form", () => {
  for (const { host, port, bytes } of CASES) {
    assert.equal(encodeAddress({ host, port }).toHex(), bytes);
  }
});

test("decodeAddress() needs every byte, and leaves what follows", () => {
  for (const { host, port, bytes } of CASES) {
    const wire = hex(bytes);
    for (let cut = 0; cut < wire.length; cut++) {
      assert.equal(decodeAddress(wire.subarray(0, cut)), undefined);
    }
    const expected = { address: { host, port }, length: wire.length };
    assert.deepEqual(decodeAddress(wire), expected);
    const trailing = unaligned(concat(wire, utf8("payload")));
    assert.deepEqual(decodeAddress(trailing), expected);
  }
});

test("decodeAddress() takes an IP address written as a name for what it is", () => {
  const wire = concat(
    Uint8Array.of(3, 7),
    utf8("1.2.3.4"),
    Uint8Array.of(0, 1),
  );
  const decoded = decodeAddress(wire);
  assert.equal(encodeAddress(decoded!.address).toHex(), "01010203040001");
});

test("decodeAddress() refuses unknown types, also with the old flag bits", () => {
  for (const atyp of [0x00, 0x02, 0x05, 0x11, 0x13, 0xff]) {
    assert.throws(
      () => decodeAddress(Uint8Array.of(atyp, 1, 2, 3, 4, 0, 80)),
      (error) =>
        error instanceof ProtocolError && error.code === "ERR_SS_ADDRESS_TYPE",
    );
  }
});

test("decodeAddress() refuses names that cannot be one", () => {
  for (const name of ["", "a b", "a\0b", "a\nb", "\x7f"]) {
    const bytes = utf8(name);
    const wire = concat(
      Uint8Array.of(3, bytes.length),
      bytes,
      Uint8Array.of(0, 80),
    );
    assert.throws(
      () => decodeAddress(wire),
      (error) =>
        error instanceof ProtocolError &&
        error.code === "ERR_SS_ADDRESS_INVALID",
    );
  }
  assert.throws(
    () => decodeAddress(hex("0302ff410050")),
    (error) => error instanceof ProtocolError,
  );
});

test("encodeAddress() refuses what does not fit", () => {
  assert.throws(() => encodeAddress({ host: "", port: 1 }), RangeError);
  assert.throws(
    () => encodeAddress({ host: "x".repeat(256), port: 1 }),
    RangeError,
  );
  for (const port of [-1, 65_536, 1.5, NaN]) {
    assert.throws(() => encodeAddress({ host: "a", port }), RangeError);
  }
});

test("formatAddress() puts IPv6 in brackets", () => {
  assert.equal(formatAddress({ host: "::1", port: 80 }), "[::1]:80");
  assert.equal(formatAddress({ host: "a.b", port: 80 }), "a.b:80");
});
