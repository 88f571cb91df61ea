import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSocksDatagram,
  encodeSocksDatagram,
} from "../../../src/codec/socks5_datagram.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { hex, seededBytes, unaligned, utf8 } from "../../support/bytes.ts";

test("encodeSocksDatagram() writes the header of RFC 1928 §7", () => {
  const cases: [string, string][] = [
    ["1.2.3.4", "00000001010203040035"],
    ["::1", `00000004${"00".repeat(15)}010035`],
    ["a.b", "00000003" + "03612e62" + "0035"],
  ];
  for (const [host, header] of cases) {
    const datagram = { address: { host, port: 53 }, payload: utf8("hi") };
    const wire = encodeSocksDatagram(datagram);
    assert.equal(wire.toHex(), `${header}6869`);
    assert.deepEqual(decodeSocksDatagram(unaligned(wire)), datagram);
  }
});

test("decodeSocksDatagram() takes payloads of every size, and any reserved bytes", () => {
  for (const length of [0, 1, 65_000]) {
    const datagram = {
      address: { host: "::1", port: 1 },
      payload: seededBytes(length),
    };
    const wire = encodeSocksDatagram(datagram);
    wire.set([0xff, 0xff]);
    assert.deepEqual(decodeSocksDatagram(wire), datagram);
  }
});

test("decodeSocksDatagram() refuses every cut of the header", () => {
  for (
    const header of [
      "00000001010203040035",
      `00000004${"00".repeat(16)}0035`,
      "0000000303612e620035",
    ]
  ) {
    const wire = hex(header);
    assert.equal(decodeSocksDatagram(wire).payload.length, 0);
    for (let cut = 0; cut < wire.length; cut++) {
      assert.throws(
        () => decodeSocksDatagram(wire.subarray(0, cut)),
        hasCode("ERR_SOCKS_TRUNCATED"),
      );
    }
  }
});

test("decodeSocksDatagram() tells what is wrong with a header", () => {
  const cases: [string, string][] = [
    ["00000101010203040035", "ERR_SOCKS_FRAGMENT"],
    ["0000ff01010203040035", "ERR_SOCKS_FRAGMENT"],
    ["00000002010203040035", "ERR_SOCKS_ADDRESS_TYPE"],
    ["00000003000035", "ERR_SOCKS_MALFORMED"],
    ["0000000301200035", "ERR_SOCKS_MALFORMED"],
    ["00000001010203040000", "ERR_SOCKS_MALFORMED"],
  ];
  for (const [wire, code] of cases) {
    assert.throws(() => decodeSocksDatagram(hex(wire)), hasCode(code));
  }
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
