import assert from "node:assert/strict";
import { test } from "node:test";
import {
  redirectFor,
  redirectTargets,
} from "../../../src/codec/ssr_redirect.ts";
import { ConfigError } from "../../../src/errors.ts";

const hosts = (entries: readonly string[], port = 8388): string[] =>
  redirectTargets(entries, port).map(({ host, port }) => `${host} ${port}`);

test("redirectTargets() reads hosts, and prefers those with our own port", () => {
  assert.deepEqual(hosts([]), []);
  assert.deepEqual(hosts(["a.example", "b.example:443", " [2001:db8::1]:1 "]), [
    "a.example 80",
    "b.example 443",
    "2001:db8::1 1",
  ]);
  assert.deepEqual(
    hosts(["a.example:443", "b.example", "c.example:443"], 443),
    [
      "a.example 443",
      "c.example 443",
    ],
  );
  assert.deepEqual(hosts(["0.0.0.0:0"]), []);
});

test("redirectTargets() takes the first rule that fits the port", () => {
  assert.deepEqual(hosts(["*#a.example"]), ["a.example 80"]);
  assert.deepEqual(hosts(["*:*#a.example:1", "*#b.example"]), ["a.example 1"]);
  const rules = ["*:443#a.example:443", "*:0#b.example:81", "*#c.example"];
  assert.deepEqual(hosts(rules, 443), ["a.example 443"]);
  assert.deepEqual(hosts(rules, 80), ["b.example 81"]);
  assert.deepEqual(hosts(["*:1#a.example"], 2), []);
  // What the originals have for "close".
  assert.deepEqual(hosts(["*#0.0.0.0:0", "*#a.example"]), []);
});

test("redirectTargets() refuses what it does not read, patterns among it", () => {
  for (
    const entries of [
      ["GET.*:80#a.example:80"],
      ["*:x#a.example"],
      ["*:65536#a.example"],
      ["a.example:65536"],
      ["a.example:"],
      ["a.example:http"],
      ["2001:db8::1"],
      ["[a]:1:2"],
      ["*#a#b"],
      ["#"],
      ["two words"],
      ["*#a.example", "b.example"],
    ]
  ) {
    assert.throws(
      () => redirectTargets(entries, 8388),
      ConfigError,
      entries[0],
    );
  }
});

test("redirectFor() sends an address to one site always, and addresses to all", () => {
  const targets = redirectTargets(["a", "b", "c"], 8388);
  const chosen = new Set<string>();
  for (let i = 0; i < 100; i++) {
    const site = redirectFor(`192.0.2.${i}`, targets)!;
    assert.equal(redirectFor(`192.0.2.${i}`, targets), site);
    chosen.add(site.host);
  }
  assert.deepEqual([...chosen].sort(), ["a", "b", "c"]);
  assert.equal(redirectFor("192.0.2.1", []), undefined);
});
