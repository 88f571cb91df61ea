import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatIp,
  isUnspecified,
  networkOf,
  parseIp,
  unmapIpv4,
} from "../../../src/codec/ip_address.ts";

test("isUnspecified() knows the address of all zeros in every form", () => {
  for (const text of ["0.0.0.0", "::", "0:0:0:0:0:0:0:0", "::0.0.0.0"]) {
    assert.ok(isUnspecified(text), text);
  }
  for (const text of ["0.0.0.1", "::1", "::ffff:0.0.0.0", "localhost", ""]) {
    assert.ok(!isUnspecified(text), text);
  }
});

test("parseIp() and formatIp() are inverse on canonical text", () => {
  for (
    const text of [
      "0.0.0.0",
      "127.0.0.1",
      "255.255.255.255",
      "::",
      "::1",
      "1::",
      "2001:db8::1",
      "2001:db8:0:1:1:1:1:1",
      "1:2:3:4:5:6:7:8",
      "1:0:0:2::3",
      "fe80::1:2:3:4",
    ]
  ) {
    const bytes = parseIp(text);
    assert.ok(bytes, text);
    assert.equal(formatIp(bytes), text);
  }
});

test("parseIp() reads forms that are not canonical", () => {
  const same: [string, string][] = [
    ["2001:0DB8:0000:0000:0000:0000:0000:0001", "2001:db8::1"],
    ["::ffff:1.2.3.4", "::ffff:102:304"],
    ["1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["1:0:0:0:2::", "1::2:0:0:0"],
  ];
  for (const [text, canonical] of same) {
    const bytes = parseIp(text);
    assert.ok(bytes, text);
    assert.equal(formatIp(bytes), canonical);
  }
});

test("parseIp() is undefined for what is not an address", () => {
  for (
    const text of [
      "",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "01.2.3.4",
      "0x7f.0.0.1",
      "1e1.0.0.1",
      "-1.0.0.1",
      "1..2.3",
      " 1.2.3.4",
      "+1.2.3.4",
      "1.5.2.3.4",
      "1.2.3.4 ",
      "example.com",
      ":",
      ":::",
      "1::2::3",
      "1:2:3:4:5:6:7",
      "1:2:3:4:5:6:7:8:9",
      "1:2:3:4:5:6:7::8",
      "12345::",
      "::1.2.3",
      "1.2.3.4::",
      "fe80::1%eth0",
      "[::1]",
      "g::",
    ]
  ) {
    assert.equal(parseIp(text), undefined, text);
  }
});

test("unmapIpv4() finds the IPv4 address inside ::ffff:0:0/96 only", () => {
  const unmapped = (text: string): string =>
    formatIp(unmapIpv4(parseIp(text)!));
  assert.equal(unmapped("::ffff:10.0.0.1"), "10.0.0.1");
  assert.equal(unmapped("::fffe:10.0.0.1"), "::fffe:a00:1");
  assert.equal(unmapped("1::ffff:10.0.0.1"), "1::ffff:a00:1");
  assert.equal(unmapped("10.0.0.1"), "10.0.0.1");
});

test("networkOf() is an IPv4 address, or half of an IPv6 address", () => {
  for (
    const [host, network] of [
      ["192.0.2.1", "192.0.2.1"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"],
      ["2001:db8:1:2::", "2001:db8:1:2::"],
      ["::1", "::"],
      ["fe80::1%eth0", "fe80::"],
      ["example.com", "example.com"],
    ] as const
  ) assert.equal(networkOf(host), network, host);
});
