import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeSocks4Request,
  encodeSocks4Reply,
} from "../../../src/codec/socks4.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import { feedThreeWays } from "../../support/feed_three_ways.ts";

const LONG = "61".repeat(255);

test("decodeSocks4Request() takes an address, a user of any kind dropped", () => {
  const message = { command: 1, address: { host: "10.0.0.3", port: 80 } };
  for (const user of ["", utf8("fred").toHex(), LONG, "ff80"]) {
    feedThreeWays(
      decodeSocks4Request,
      hex(`040100500a000003${user}00`),
      message,
    );
  }
});

test("decodeSocks4Request() takes a name where the address is 0.0.0.x", () => {
  const cases = [["62", "b"], [LONG, "a".repeat(255)]] as const;
  for (const [name, host] of cases) {
    for (const user of ["", "66", LONG]) {
      feedThreeWays(
        decodeSocks4Request,
        hex(`0402ffff000000ff${user}00${name}00`),
        { command: 2, address: { host, port: 65_535 } },
      );
    }
  }
  // 0.0.0.0 is an address like any other: no name follows it.
  feedThreeWays(decodeSocks4Request, hex("040100500000000000"), {
    command: 1,
    address: { host: "0.0.0.0", port: 80 },
  });
});

test("decodeSocks4Request() stops at the 256th byte of a field without end", () => {
  const longest = hex(`0401005000000001${LONG}00${LONG}00`);
  assert.equal(longest.length, 520);
  assert.equal(decodeSocks4Request(longest)?.length, longest.length);
  const user = hex(`040100500a000003${LONG}`);
  assert.equal(decodeSocks4Request(user), undefined);
  refuses(`040100500a000003${LONG}61`, "ERR_SOCKS_MALFORMED");
  refuses(`040100500a000003${LONG}6100`, "ERR_SOCKS_MALFORMED");
  refuses(`040100500000000100${LONG}61`, "ERR_SOCKS_MALFORMED");
});

test("decodeSocks4Request() refuses other versions, and names that are none", () => {
  refuses("05", "ERR_SOCKS_VERSION");
  refuses("00", "ERR_SOCKS_VERSION");
  for (const name of ["", "20", "610a62", "ff"]) {
    refuses(`040100500000000100${name}00`, "ERR_SOCKS_MALFORMED");
  }
});

test("encodeSocks4Reply() writes 8 bytes, of which the first is not 4", () => {
  assert.equal(encodeSocks4Reply(true).toHex(), "005a000000000000");
  assert.equal(encodeSocks4Reply(false).toHex(), "005b000000000000");
});

function refuses(wire: string, code: string): void {
  assert.throws(
    () => decodeSocks4Request(hex(wire)),
    (error) => error instanceof ProtocolError && error.code === code,
    wire,
  );
}
