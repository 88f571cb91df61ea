import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeAddress,
  encodeAddress,
} from "../../../../src/adapters/net/linux/addresses.ts";
import { AF_INET, AF_INET6 } from "../../../../src/adapters/net/linux/libc.ts";
import type { TransportError } from "../../../../src/errors.ts";

/** `struct sockaddr_in` and `struct sockaddr_in6`, as netinet/in.h lays them out. */
const VECTORS: readonly (readonly [host: string, hex: string])[] = [
  ["192.0.2.1", "0200 1f90 c0000201 0000000000000000"],
  ["0.0.0.0", "0200 1f90 00000000 0000000000000000"],
  ["::", `0a00 1f90 00000000 ${"00".repeat(16)} 00000000`],
  ["::1", `0a00 1f90 00000000 ${"00".repeat(15)}01 00000000`],
  [
    "2001:db8::a:0:b",
    "0a00 1f90 00000000 20010db8 00000000 0000000a 0000000b 00000000",
  ],
  [
    "fe80::1:2:3:4",
    "0a00 1f90 00000000 fe800000 00000000 00010002 00030004 00000000",
  ],
  [
    "1:2:3:4:5:6:7:8",
    "0a00 1f90 00000000 00010002 00030004 00050006 00070008 00000000",
  ],
];

for (const [host, hex] of VECTORS) {
  test(`linux: ${host} is laid out as the kernel has it, and read back`, () => {
    const bytes = encodeAddress({ host, port: 8_080 });
    assert.equal(toHex(bytes), hex.replaceAll(" ", ""));
    assert.deepEqual(decodeAddress(bytes), { host, port: 8_080 });
    const inside = new Uint8Array(bytes.length + 3);
    inside.set(bytes, 3);
    assert.deepEqual(decodeAddress(inside, 3), { host, port: 8_080 });
  });
}

test("linux: IPv4 in a socket for both families is mapped, and plain again", () => {
  const bytes = encodeAddress({ host: "192.0.2.1", port: 1 }, AF_INET6);
  assert.equal(
    toHex(bytes),
    `0a0000010000000000000000000000000000ffffc000020100000000`,
  );
  assert.deepEqual(decodeAddress(bytes), { host: "192.0.2.1", port: 1 });
});

test("linux: ::ffff:192.0.2.1 as a text is the same address", () => {
  assert.deepEqual(
    encodeAddress({ host: "::ffff:192.0.2.1", port: 1 }),
    encodeAddress({ host: "192.0.2.1", port: 1 }, AF_INET6),
  );
});

test("linux: a scope is a number of an interface", () => {
  const bytes = encodeAddress({ host: "fe80::1%3", port: 1 });
  assert.deepEqual([...bytes.subarray(24)], [3, 0, 0, 0]);
});

test("linux: an IPv6 address in an IPv4 socket, and a name, are refused", () => {
  assert.throws(
    () => encodeAddress({ host: "::1", port: 1 }, AF_INET),
    ({ code }: TransportError) => code === "ERR_NET_UNREACHABLE",
  );
  assert.throws(
    () => encodeAddress({ host: "name.example", port: 1 }),
    ({ code }: TransportError) => code === "ERR_NET_NAME_NOT_FOUND",
  );
});

function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}
