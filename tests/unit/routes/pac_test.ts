// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { clientRoutes } from "../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../src/routes/acl/read_acl.ts";
import { pacOf } from "../../../src/routes/pac.ts";
import { MAX_PAC_BYTES, MAX_SMALL_PAC_RULES } from "../../../src/limits.ts";
import { readRoutes } from "../../../src/routes/read_routes.ts";
import type { RouteTable } from "../../../src/routes/route_table.ts";
import { seededRandom } from "../../support/bytes.ts";
import { questionOf } from "../../support/route_world.ts";

const PROXY = "127.0.0.1:1080";
const PROXIED = `PROXY ${PROXY}; SOCKS5 ${PROXY}; SOCKS ${PROXY}`;

const WORLD = {
  file: "f",
  outbounds: [],
  ruleSets: new Map(),
  nearest: () => undefined,
};

test("a PAC says what the routes say, for 10,000 hosts", () => {
  const next = seededRandom(9);
  const name = (): string =>
    Array.from(
      { length: 1 + next() % 3 },
      () => "abc"[next() % 3]! + next() % 4,
    )
      .join(".") + ".test";
  const names = (count: number): string[] =>
    Array.from({ length: count }, name);
  const blocks = (): string[] =>
    Array.from(
      { length: 20 },
      () => `${20 + next() % 9}.${next() % 4}.0.0/${14 + next() % 4}`,
    );
  const routes = readRoutes([
    { domain: names(20), to: "block" },
    { domain_suffix: names(20), ip_cidr: blocks(), to: "direct" },
    { domain_suffix: names(9).map((one) => `.${one}`), to: "proxy" },
    { domain: names(20), ip_cidr: blocks(), to: "direct" },
  ], WORLD);
  const answers = { DIRECT: 0, proxy: 0 };
  const find = load(pacOf(routes, { proxy: PROXY, full: true }));
  for (let i = 0; i < 10_000; i++) {
    const host = i % 2 === 0
      ? name()
      : `${20 + next() % 9}.${next() % 4}.${next() % 256}.1`;
    const expected = toOf(routes, host) === "direct" ? "DIRECT" : PROXIED;
    assert.equal(find("http://x/", host), expected, host);
    answers[expected === "DIRECT" ? "DIRECT" : "proxy"]++;
  }
  assert.ok(answers.DIRECT > 1_000 && answers.proxy > 1_000);
});

test("a PAC of an ACL", () => {
  for (const mode of ["proxy", "bypass"]) {
    const text = `[${mode}_all]\n[bypass_list]\n||direct.test\n|only.test\n` +
      `20.0.0.0/8\n[proxy_list]\n||far.direct.test\n30.0.0.0/8\n`;
    const routes = clientRoutes(
      readAcl([{ file: "f", text }], () => undefined),
    );
    const find = load(pacOf(routes, { proxy: PROXY, full: true }));
    for (
      const host of [
        "a.direct.test",
        "far.direct.test",
        "only.test",
        "x.only.test",
      ]
        .concat("20.1.1.1", "30.1.1.1", "40.1.1.1", "other.test")
    ) {
      const expected = toOf(routes, host) === "direct" ? "DIRECT" : PROXIED;
      assert.equal(find("", host), expected, `${mode} ${host}`);
    }
  }
});

test("a PAC leaves plain names and private addresses to the browser", () => {
  const find = load(pacOf(readRoutes([], WORLD), { proxy: PROXY }));
  for (
    const host of [
      "printer",
      "10.1.2.3",
      "127.0.0.1",
      "192.168.1.1",
      "172.31.0.1",
    ]
      .concat("169.254.1.1")
  ) assert.equal(find("", host), "DIRECT", host);
  for (const host of ["172.32.0.1", "a.test", "2001:db8::1", "11.0.0.1"]) {
    assert.equal(find("", host), PROXIED, host);
  }
});

test("a PAC never says DIRECT behind a route that it cannot express", () => {
  const direct = { domain_suffix: "a.test", to: "direct" };
  for (
    const first of [
      { domain_keyword: "x", to: "proxy" },
      { domain_regex: "x[0-9]y", to: "block" },
      { domain: "x.test", port: 443, to: "proxy" },
      { user: "alice", to: "proxy" },
      { domain: "x.test", invert: true, to: "proxy" },
    ]
  ) {
    const routes = readRoutes([first, direct], WORLD);
    const find = load(pacOf(routes, { proxy: PROXY, full: true }));
    assert.equal(find("", "a.test"), PROXIED, JSON.stringify(first));
  }
  // What a direct route hides costs a way through the proxy, no more.
  const routes = readRoutes(
    [{ domain_keyword: "x", to: "direct" }, direct],
    WORLD,
  );
  const find = load(pacOf(routes, { proxy: PROXY, full: true }));
  assert.equal(find("", "a.test"), "DIRECT");
  assert.equal(find("", "x.test"), PROXIED);
  // With names that are resolved, a block may hold for a name.
  const resolving = readRoutes(
    [{ ip_cidr: "20.0.0.0/8", to: "proxy" }, direct],
    WORLD,
  );
  const options = { proxy: PROXY, full: true };
  assert.equal(load(pacOf(resolving, options))("", "a.test"), "DIRECT");
  assert.equal(
    load(pacOf(resolving, { ...options, resolves: true }))("", "a.test"),
    PROXIED,
  );
});

test("a PAC is small unless asked, and bounded then", () => {
  const many = Array.from({ length: 100_000 }, (_, i) => `name${i}.test`);
  const routes = readRoutes([{ domain: many, to: "direct" }], WORLD);
  const small = pacOf(routes, { proxy: PROXY });
  const found = load(small);
  assert.equal(found("", `name${MAX_SMALL_PAC_RULES - 1}.test`), "DIRECT");
  assert.equal(found("", `name${MAX_SMALL_PAC_RULES}.test`), PROXIED);
  const full = pacOf(routes, { proxy: PROXY, full: true });
  assert.ok(full.length > 800_000 && full.length < MAX_PAC_BYTES + 10_000);
});

test("a PAC is of the language that old programs run", () => {
  const routes = readRoutes([{ domain: "a.test", to: "direct" }], WORLD);
  const text = pacOf(routes, { proxy: PROXY, fallback: true });
  assert.doesNotMatch(text, /=>|`|\blet\b|\bconst\b|dnsResolve|isInNet/);
  assert.match(text, /SOCKS 127\.0\.0\.1:1080; DIRECT"/);
});

function toOf(routes: RouteTable, host: string): string {
  return routes.decide(questionOf(host))!.to;
}

/** Runs a PAC without any of the functions that browsers add. */
function load(text: string): (url: string, host: string) => string {
  return new Function(`${text}; return FindProxyForURL;`)();
}
