import assert from "node:assert/strict";
import { test } from "node:test";
import {
  anyTarget,
  parseCidr,
  publicTarget,
  publicTargetOr,
} from "../../../src/security/target_policy.ts";

const PUBLIC = [
  "1.1.1.1",
  "9.255.255.255",
  "11.0.0.0",
  "172.15.255.255",
  "172.32.0.0",
  "192.167.255.255",
  "100.63.255.255",
  "100.128.0.0",
  "223.255.255.255",
  "2606:4700::1111",
  "::ffff:8.8.8.8",
  "64:ff9b::8.8.8.8",
];
const NOT_PUBLIC = [
  "127.0.0.1",
  "127.255.255.255",
  "10.0.0.0",
  "10.255.255.255",
  "172.16.0.0",
  "172.31.255.255",
  "192.168.0.1",
  "169.254.169.254",
  "100.64.0.1",
  "::1",
  "fc00::",
  "fdff::1",
  "fe80::1",
  "febf::1",
  "::ffff:127.0.0.1",
  "::ffff:a9fe:a9fe",
  "64:ff9b::10.0.0.1",
  "2002:7f00:1::",
];
const UNDIALLABLE = [
  "0.0.0.0",
  "0.1.2.3",
  "::",
  "224.0.0.1",
  "255.255.255.255",
  "ff02::1",
  "example.com",
];

test("publicTarget lets through public addresses only", () => {
  for (const ip of PUBLIC) assert.equal(publicTarget(ip), undefined, ip);
  for (const ip of [...NOT_PUBLIC, ...UNDIALLABLE]) {
    assert.equal(typeof publicTarget(ip), "string", ip);
  }
});

test("anyTarget stops only what cannot be dialled", () => {
  for (const ip of [...PUBLIC, ...NOT_PUBLIC]) {
    assert.equal(anyTarget(ip), undefined, ip);
  }
  for (const ip of UNDIALLABLE) {
    assert.equal(typeof anyTarget(ip), "string", ip);
  }
});

test("publicTargetOr() opens the blocks it is given, in every form of their addresses", () => {
  const blocks = ["10.0.0.0/8", "fd00::/16", "127.0.0.1"].map((text) =>
    parseCidr(text)!
  );
  const policy = publicTargetOr(blocks);
  const open = [
    "10.1.2.3",
    "::ffff:10.1.2.3",
    "64:ff9b::a01:203",
    "fd00::1",
    "127.0.0.1",
    "8.8.8.8",
  ];
  for (const ip of open) assert.equal(policy(ip), undefined, ip);
  const shut = [
    "127.0.0.2",
    "11.0.0.0.1",
    "192.168.0.1",
    "fd01::1",
    "169.254.169.254",
    "::1",
  ];
  for (const ip of shut) assert.notEqual(policy(ip), undefined, ip);
  // What cannot be dialled at all stays so.
  assert.equal(
    publicTargetOr([parseCidr("0.0.0.0/0")!])("224.0.0.1"),
    "multicast",
  );
});
