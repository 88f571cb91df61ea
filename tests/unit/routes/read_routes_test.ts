import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { openCountryDatabase } from "../../../src/adapters/system/country_database.ts";
import { nearest } from "../../../src/cli/options/nearest.ts";
import { formatIp, parseIp } from "../../../src/codec/ip_address.ts";
import { ConfigError } from "../../../src/errors.ts";
import { inCountry } from "../../../src/routes/condition.ts";
import { readGeoSite } from "../../../src/routes/lists/geo_dat.ts";
import { readRoutes } from "../../../src/routes/read_routes.ts";
import { explainDecision } from "../../../src/routes/route_table.ts";
import type { RouteQuestion } from "../../../src/routes/question.ts";
import { listOf, questionOf } from "../../support/route_world.ts";

const RULES = new URL("../../data/rules/", import.meta.url);
const countries = openCountryDatabase(
  readFileSync(new URL("country-test.mmdb", RULES)),
);
const geosite = readFileSync(new URL("geosite-test.dat", RULES));

const WORLD = {
  file: "config.json",
  outbounds: ["near", "far"],
  ruleSets: new Map([["ads", listOf("full:ads.test\n")]]),
  inCountry: (code: string) =>
    inCountry(code, (address) => countries.countryOf(formatIp(address))),
  geoSite: (category: string) => readGeoSite(geosite, category, "geosite.dat"),
  nearest,
};

function explain(
  routes: unknown,
  host: string,
  more: Partial<RouteQuestion> = {},
): string {
  const question = questionOf(host, more);
  return explainDecision(readRoutes(routes, WORLD).decide(question)!);
}

test("readRoutes(): the first route that holds decides, and says why", () => {
  const routes = [
    { rule_set: "ads", to: "block" },
    { domain_suffix: ["corp.example"], ip_cidr: ["10.0.0.0/8"], to: "direct" },
    { domain: "video.example", to: "near" },
    { geosite: "alpha@ads", to: "block" },
    { domain_keyword: "kw", port: [80, 443], network: "tcp", to: "far" },
    { source: "192.0.2.0/24", user: "alice", to: "direct" },
    { port_range: ":79", to: "direct" },
    { ip_private: true, to: "direct" },
    { inbound: "127.0.0.1:1080", to: "far" },
    { to: "proxy" },
  ];
  for (
    const [host, expected, more] of [
      ["ads.test", 'block: routes[0] domain "ads.test" (test:1)'],
      ["a.corp.example", 'direct: routes[1] domain_suffix "corp.example"'],
      ["10.1.2.3", 'direct: routes[1] ip_cidr "10.0.0.0/8"'],
      ["video.example", 'near: routes[2] domain "video.example"'],
      [
        "b.ads.test",
        'block: routes[3] domain_suffix "ads.test" (geosite.dat:alpha@ads)',
      ],
      ["akw.test", 'far: routes[4] domain_keyword "kw"'],
      ["akw.test", "proxy: routes[9]", { port: 81 }],
      ["akw.test", "proxy: routes[9]", { network: "udp" }],
      ["b.test", 'direct: routes[5] source "192.0.2.0/24"', {
        source: parseIp("192.0.2.1"),
        user: "alice",
      }],
      ["b.test", "proxy: routes[9]", { source: parseIp("192.0.2.1") }],
      ["b.test", 'direct: routes[6] port_range "0:79"', { port: 22 }],
      ["192.168.1.1", 'direct: routes[7] ip_cidr "192.168.0.0/16"'],
      ["b.test", 'far: routes[8] inbound "127.0.0.1:1080"', {
        inbound: "127.0.0.1:1080",
      }],
    ] as const satisfies [string, string, Partial<RouteQuestion>?][]
  ) assert.equal(explain(routes, host, more), expected, host);
});

test("readRoutes(): without a route that holds, through the server", () => {
  assert.equal(explain([], "a.test"), "proxy: no route holds");
});

test("readRoutes(): invert, with and without addresses", () => {
  const routes = [{ ip_cidr: "10.0.0.0/8", invert: true, to: "direct" }];
  assert.equal(explain(routes, "10.1.1.1"), "proxy: no route holds");
  assert.equal(explain(routes, "11.1.1.1"), 'direct: routes[0] invert "true"');
  const table = readRoutes(routes, WORLD);
  assert.equal(
    table.decide(questionOf("a.test", { addresses: undefined })),
    undefined,
  );
});

test("decide() asks for addresses only where the answer depends on them", () => {
  const table = readRoutes([
    { domain: "first.test", to: "direct" },
    { ip_cidr: "10.0.0.0/8", port: 80, to: "direct" },
    { domain: "last.test", to: "block" },
  ], WORLD);
  const decide = (host: string, port: number): string | undefined =>
    table.decide(questionOf(host, { port, addresses: undefined }))?.to;
  assert.equal(decide("first.test", 80), "direct");
  // On another port no address can make that route hold.
  assert.equal(decide("last.test", 443), "block");
  assert.equal(decide("last.test", 80), undefined);
  assert.equal(decide("other.test", 443), "proxy");
});

test("geoip: the three layouts of databases in use", () => {
  for (const name of ["country-test", "country-flat-test", "sing-geoip-test"]) {
    const database = openCountryDatabase(
      readFileSync(new URL(`${name}.mmdb`, RULES)),
    );
    const codes = ["192.0.2.1", "2001:db8::1", "203.0.113.1", "9.9.9.9"]
      .map((ip) => database.countryOf(ip));
    assert.ok(
      codes.some((code) => /^[A-Z]{2}$/.test(code ?? "")),
      `${name} ${codes}`,
    );
    assert.ok(codes.includes(undefined), `${name} ${codes}`);
    assert.ok(database.builtUnixMs > 0 && database.type !== "");
  }
  const code = countries.countryOf("192.0.2.1")!;
  assert.equal(
    explain([{ geoip: code.toLowerCase(), to: "direct" }], "192.0.2.1"),
    `direct: routes[0] geoip "${code}"`,
  );
  assert.throws(() => openCountryDatabase(new Uint8Array(100)), {
    code: "ERR_ROUTE_LIST",
  });
});

test("readRoutes() says file, route, key, and what was expected", () => {
  for (
    const [routes, message] of [
      [{}, "routes: expected a list of objects"],
      [[1], 'routes[0]: expected an object with "to"'],
      [
        [{ to: "nera" }],
        'routes[0].to: no server or group is called "nera"; did you mean "near"?',
      ],
      [[{}], 'routes[0].to: expected "proxy", "direct", "block" or a name'],
      [
        [{ domian: "a", to: "direct" }],
        'routes[0].domian: unknown condition; did you mean "domain"?',
      ],
      [
        [{ domain: "a b", to: "direct" }],
        'routes[0].domain: "a b" is not a name',
      ],
      [
        [{ domain: 1, to: "direct" }],
        "routes[0].domain: expected text, or a list of texts",
      ],
      [
        [{ domain_regex: "(?!a)b", to: "direct" }],
        /^routes\[0\]\.domain_regex: "\(\?!a\)b" is a pattern that cannot be used: it looks ahead/,
      ],
      [
        [{ ip_cidr: "10.0.0.0/33", to: "direct" }],
        'routes[0].ip_cidr: "10.0.0.0/33" is neither an address nor a block',
      ],
      [
        [{ ip_private: false, to: "direct" }],
        "routes[0].ip_private: expected true",
      ],
      [
        [{ port: 0, to: "direct" }],
        "routes[0].port: expected a number from 1 to 65535",
      ],
      [
        [{ port_range: "9:1", to: "direct" }],
        'routes[0].port_range: expected "1000:2000", ":80" or "8000:"',
      ],
      [
        [{ network: "icmp", to: "direct" }],
        'routes[0].network: expected "tcp" or "udp"',
      ],
      [
        [{ rule_set: "adds", to: "direct" }],
        'routes[0].rule_set: "adds" is not in rule_sets; did you mean "ads"?',
      ],
      [
        [{ invert: true, to: "direct" }],
        "routes[0].invert: expected a condition to invert",
      ],
      [
        [{ domain: "a.test", invert: 1, to: "direct" }],
        "routes[0].invert: expected true or false",
      ],
    ] as const
  ) {
    assert.throws(() => readRoutes(routes, WORLD), (error) => {
      assert.ok(error instanceof ConfigError);
      const text = error.message.replace(/^config\.json: /, "");
      if (typeof message === "string") assert.equal(text, message);
      else assert.match(text, message);
      return true;
    });
  }
  const { inCountry: _, geoSite: __, ...less } = WORLD;
  assert.throws(
    () => readRoutes([{ geoip: "XX", to: "direct" }], less),
    /routes\[0\]\.geoip: geoip_file is not set/,
  );
  assert.throws(
    () => readRoutes([{ geosite: "x", to: "direct" }], less),
    /routes\[0\]\.geosite: geosite_file is not set/,
  );
});
