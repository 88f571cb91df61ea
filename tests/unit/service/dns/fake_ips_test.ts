import assert from "node:assert/strict";
import { test } from "node:test";
import { formatIp, parseIp } from "../../../../src/codec/ip_address.ts";
import { PolicyError } from "../../../../src/errors.ts";
import { parseCidr } from "../../../../src/security/target_policy.ts";
import {
  type FakeEntry,
  FakeIps,
} from "../../../../src/service/dns/fake_ips.ts";
import { LocalNames } from "../../../../src/service/dns/local_names.ts";
import { ReverseNames } from "../../../../src/service/dns/reverse_names.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const IPV6 = "fdfe:dcba:9876::/64";

function fakeIps(
  ipv4 = "198.18.0.0/15",
  entries: Iterable<FakeEntry> = [],
  ipv6 = IPV6,
): FakeIps {
  return new FakeIps(
    { ipv4: parseCidr(ipv4)!, ipv6: parseCidr(ipv6)! },
    entries,
  );
}

function nameAt(fake: FakeIps, ip: string): string | undefined {
  return fake.nameOf(parseIp(ip)!);
}

test("addressOf() gives the next address of both ranges, and keeps it", () => {
  const fake = fakeIps();
  const at = (name: string, family: "ipv4" | "ipv6"): string =>
    formatIp(fake.addressOf(name, family));
  assert.equal(at("a.test", "ipv4"), "198.18.0.1");
  assert.equal(at("b.test", "ipv6"), "fdfe:dcba:9876::2");
  assert.equal(at("a.test", "ipv6"), "fdfe:dcba:9876::1");
  assert.equal(at("b.test", "ipv4"), "198.18.0.2");
  assert.equal(nameAt(fake, "198.18.0.2"), "b.test");
  assert.equal(nameAt(fake, "fdfe:dcba:9876::1"), "a.test");
});

test("nameOf() knows no name of other addresses", () => {
  const fake = fakeIps();
  fake.addressOf("a.test", "ipv4");
  for (
    const ip of [
      ...["198.18.0.0", "198.18.0.2", "198.19.255.255", "0.0.0.1"],
      ...["fdfe:dcba:9876::", "fdfe:dcba:9876::1:0:0:1", "fdfe:dcba:9877::1"],
    ]
  ) assert.equal(nameAt(fake, ip), undefined, ip);
});

test("the name that was used the longest ago gives its address up", () => {
  // Six hosts.
  const fake = fakeIps("192.0.2.8/29");
  const names = ["a", "b", "c", "d", "e", "f"];
  for (const name of names) fake.addressOf(name, "ipv4");
  assert.equal(nameAt(fake, "192.0.2.9"), "a");
  fake.addressOf("b", "ipv4");
  assert.equal(formatIp(fake.addressOf("g", "ipv4")), "192.0.2.11");
  assert.equal(nameAt(fake, "192.0.2.11"), "g");
  assert.deepEqual([...fake.entries].map(([name]) => name), [
    ...["d", "e", "f", "a", "b", "g"],
  ]);
});

test("a range may be written with bits behind its prefix", () => {
  const fake = fakeIps("198.18.77.5/15", [], "fdfe:dcba:9876::5/64");
  assert.equal(formatIp(fake.addressOf("a", "ipv4")), "198.18.0.1");
  assert.equal(formatIp(fake.addressOf("a", "ipv6")), "fdfe:dcba:9876::1");
  assert.equal(nameAt(fake, "198.18.0.1"), "a");
});

test("a new start gives no name another one's address", () => {
  const before = fakeIps("192.0.2.8/29");
  for (const name of ["a", "b", "c"]) before.addressOf(name, "ipv4");
  before.addressOf("a", "ipv4");
  const after = fakeIps("192.0.2.8/29", [...before.entries]);
  assert.deepEqual([...after.entries], [...before.entries]);
  assert.equal(nameAt(after, "192.0.2.10"), "b");
  assert.equal(formatIp(after.addressOf("d", "ipv4")), "192.0.2.12");
});

test("entries that do not fit are left out", () => {
  const fake = fakeIps("192.0.2.8/29", [
    ["a", 0],
    ["b", 0],
    ["a", 1],
    ["c", 6],
    ["d", 5],
  ]);
  assert.deepEqual([...fake.entries], [["a", 0], ["d", 5]]);
  for (const name of ["e", "f", "g", "h"]) fake.addressOf(name, "ipv4");
  assert.deepEqual(
    new Set([...fake.entries].map(([, index]) => index)).size,
    6,
  );
});

test("meant() puts the name back, and refuses an address without a name", () => {
  const fake = fakeIps();
  fake.addressOf("a.test", "ipv4");
  const names = new LocalNames(new ReverseNames(new FakeClock()), fake);
  const meant = (host: string): string => names.meant({ host, port: 80 }).host;
  for (
    const host of ["198.18.0.1", "::ffff:198.18.0.1", "fdfe:dcba:9876::1"]
  ) assert.equal(meant(host), "a.test", host);
  for (const host of ["192.0.2.1", "198.20.0.1", "a.test", "::1"]) {
    assert.equal(meant(host), host);
  }
  for (const host of ["198.18.0.2", "fdfe:dcba:9876::2"]) {
    assert.throws(
      () => meant(host),
      (error) =>
        error instanceof PolicyError && error.code === "ERR_FAKE_IP_UNKNOWN",
    );
  }
});
