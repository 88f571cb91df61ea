import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeCredentials,
  decodeGreeting,
  decodeRequest,
  encodeCredentialsStatus,
  encodeReply,
  encodeSelection,
  REP,
} from "../../../src/codec/socks5.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import { feedThreeWays } from "../../support/feed_three_ways.ts";

test("decodeGreeting() takes 1 to 255 methods", () => {
  feedThreeWays(decodeGreeting, hex("050100"), hex("00"));
  feedThreeWays(decodeGreeting, hex("0503000102"), hex("000102"));
  const many = "02".repeat(255);
  feedThreeWays(decodeGreeting, hex(`05ff${many}`), hex(many));
});

test("decodeGreeting() refuses other versions at the first byte, and no methods", () => {
  for (const first of ["04", "00", "47", "16"]) {
    assert.throws(
      () => decodeGreeting(hex(first)),
      hasCode("ERR_SOCKS_VERSION"),
    );
  }
  assert.throws(
    () => decodeGreeting(hex("0500")),
    hasCode("ERR_SOCKS_NO_METHOD"),
  );
});

test("decodeCredentials() takes names and passwords of 0 to 255 bytes", () => {
  for (
    const [name, password] of [["u", "p"], ["", ""], [
      "x".repeat(255),
      "y".repeat(255),
    ]]
  ) {
    const wire = Uint8Array.of(
      1,
      name!.length,
      ...utf8(name!),
      password!.length,
      ...utf8(password!),
    );
    feedThreeWays(decodeCredentials, wire, {
      username: utf8(name!),
      password: utf8(password!),
    });
  }
});

test("decodeCredentials() wants version 1, not 5", () => {
  assert.throws(
    () => decodeCredentials(hex("0501")),
    hasCode("ERR_SOCKS_VERSION"),
  );
});

test("decodeRequest() takes every command and address type", () => {
  const cases: [string, number, string, number][] = [
    ["05010001010203040050", 1, "1.2.3.4", 80],
    ["050200030161ffff", 2, "a", 65_535],
    [`05030004${"00".repeat(15)}010000`, 3, "::1", 0],
    [`05010003ff${"61".repeat(255)}0001`, 1, "a".repeat(255), 1],
  ];
  for (const [wire, command, host, port] of cases) {
    feedThreeWays(decodeRequest, hex(wire), {
      command,
      address: { host, port },
    });
  }
});

test("decodeRequest() tells what is wrong with a request", () => {
  const cases: [string, string][] = [
    ["04010001", "ERR_SOCKS_VERSION"],
    ["05010002", "ERR_SOCKS_ADDRESS_TYPE"],
    ["0501000300", "ERR_SOCKS_MALFORMED"],
    ["05010003012000", "ERR_SOCKS_MALFORMED"],
  ];
  for (const [wire, code] of cases) {
    assert.throws(() => decodeRequest(hex(`${wire}0050`)), hasCode(code));
  }
});

test("encodeReply() writes the full form, for every code of RFC 1928", () => {
  assert.deepEqual(Object.values(REP), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
  for (const rep of Object.values(REP)) {
    assert.equal(encodeReply(rep).toHex(), `050${rep}0001000000000000`);
  }
  const bound = { host: "::1", port: 1080 };
  assert.equal(
    encodeReply(REP.succeeded, bound).toHex(),
    `05000004${"00".repeat(15)}010438`,
  );
});

test("encodeSelection() and encodeCredentialsStatus() write two bytes", () => {
  assert.equal(encodeSelection(0xff).toHex(), "05ff");
  assert.equal(encodeCredentialsStatus(true).toHex(), "0100");
  assert.equal(encodeCredentialsStatus(false).toHex(), "0101");
});

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
