// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { describeAclFiles } from "../../../../src/cli/routes/check_acl.ts";
import { explainTargets } from "../../../../src/cli/routes/route_command.ts";
import { readTarget } from "../../../../src/cli/routes/explain_route.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { sourcesOf } from "../../../support/sources.ts";

const DATA = fileURLToPath(new URL("../../../data/", import.meta.url));

const ACL = "[proxy_all]\n[bypass_list]\n|a.test\n10.0.0.0/8\n";

const CONFIG = {
  servers: [{ server: "192.0.2.1", server_port: 1, id: "near" }],
  routes: [
    { rule_set: "set", to: "block" },
    { geosite: "beta", to: "direct" },
    { geoip: "XX", to: "direct" },
    { to: "proxy" },
  ],
  rule_sets: { set: { path: `${DATA}rules/rule-set-v4.srs` } },
  geosite_file: `${DATA}rules/geosite-test.dat`,
  geoip_file: `${DATA}rules/country-test.mmdb`,
};

function explain(
  words: readonly string[],
  files: Readonly<Record<string, string>> = { "x.acl": ACL },
): Promise<string> {
  return explainTargets(
    parseArguments(findCommand("route")!, words),
    sourcesOf((path) => files[path]!),
    (name) => Promise.resolve(name === "in.test" ? ["10.1.1.1"] : []),
  );
}

test("umbra route explains by an ACL", async () => {
  const text = await explain([
    "--acl",
    "x.acl",
    "a.test",
    "10.1.1.1:80",
    "in.test",
  ]);
  assert.deepEqual(text.split("\n"), [
    'a.test → direct: [bypass_list] domain "a.test" (x.acl:3)',
    '10.1.1.1:80 → direct: [bypass_list] ip_cidr "10.0.0.0/8" (x.acl:4)',
    "in.test → proxy: [proxy_all], unless its addresses decide otherwise",
    "",
  ]);
});

test("umbra route takes countries from a geoip.dat", async () => {
  const config = {
    ...CONFIG,
    routes: [{ geoip: "aa", to: "direct" }, { to: "proxy" }],
    geoip_file: `${DATA}rules/geoip-test.dat`,
  };
  const text = await explain(
    ["-c", "c.json", "192.0.2.127:80", "192.0.2.128:80"],
    { "c.json": JSON.stringify(config) },
  );
  assert.match(text, /^192\.0\.2\.127:80 → direct: .*192\.0\.2\.0\/25/);
  assert.match(text, /^192\.0\.2\.128:80 → proxy: /m);
});

test("umbra route --resolve asks for addresses where a rule needs them", async () => {
  const text = await explain(
    ["--acl", "x.acl", "--resolve", "a.test", "in.test", "out.test"],
  );
  assert.deepEqual(text.split("\n"), [
    'a.test → direct: [bypass_list] domain "a.test" (x.acl:3)',
    'in.test → direct: [bypass_list] ip_cidr "10.0.0.0/8" (x.acl:4); it ' +
    "resolves to 10.1.1.1",
    "out.test → proxy: [proxy_all]; it resolves to no address",
    "",
  ]);
});

test("several --acl are joined, in their order", async () => {
  const files = { "x.acl": ACL, "y.acl": "[bypass_list]\n|b.test\n" };
  const text = await explain(
    ["--acl", "x.acl", "--acl", "y.acl", "a.test", "b.test"],
    files,
  );
  assert.deepEqual(text.split("\n"), [
    'a.test → direct: [bypass_list] domain "a.test" (x.acl:3)',
    'b.test → direct: [bypass_list] domain "b.test" (y.acl:2)',
    "",
  ]);
});

test("umbra route explains by the routes of a file, and its lists", async () => {
  const routes = CONFIG.routes.slice(1);
  const files = { "c.json": JSON.stringify({ ...CONFIG, routes }) };
  const text = await explain(["-c", "c.json", "x.beta.test", "a.test"], files);
  assert.deepEqual(text.split("\n"), [
    'x.beta.test → direct: routes[0] domain_suffix "beta.test" ' +
    `(${CONFIG.geosite_file}:beta)`,
    "a.test → proxy: routes[2], unless its addresses decide otherwise",
    "",
  ]);
  const all = { "c.json": JSON.stringify(CONFIG) };
  assert.match(
    await explain(["-c", "c.json", "a.suffix.test"], all),
    /→ block: routes\[0\] domain_suffix "suffix\.test" \(.*rule-set-v4\.srs\)/,
  );
});

test("an ACL of a file stands beside it, and --acl beats it", async () => {
  const files = {
    "/etc/c.json": JSON.stringify({ acl: "own.acl" }),
    "/etc/own.acl": ACL,
    "x.acl": "[bypass_all]\n",
  };
  assert.equal(
    await explain(["-c", "/etc/c.json", "a.test"], files),
    'a.test → direct: [bypass_list] domain "a.test" (/etc/own.acl:3)\n',
  );
  assert.equal(
    await explain(["-c", "/etc/c.json", "--acl", "x.acl", "a.test"], files),
    "a.test → direct: [bypass_all]\n",
  );
});

test("umbra route says what is missing or wrong", async () => {
  for (
    const [words, file, message] of [
      [[], {}, /^Missing TARGET: give HOST or HOST:PORT$/],
      [["a.test"], {}, /^No routes: give --acl FILE/],
      [
        ["-c", "c.json", "a b"],
        CONFIG,
        /^Invalid TARGET: expected HOST or HOST:PORT$/,
      ],
      [["-c", "c.json", "a:0"], CONFIG, /^Invalid TARGET/],
      [
        ["-c", "c.json", "--acl", "x.acl", "a"],
        CONFIG,
        /^c\.json: routes: an ACL and routes exclude each other/,
      ],
      [
        ["-c", "c.json", "a"],
        { ...CONFIG, rule_sets: { set: {} } },
        /^c\.json: rule_sets\.set: expected "path" or "url"$/,
      ],
      [["-c", "c.json", "a"], {
        ...CONFIG,
        rule_sets: { set: { url: "https://x/" } },
      }, /^c\.json: rule_sets\.set\.url: the list was never fetched; a local /],
      [["-c", "c.json", "a"], {
        ...CONFIG,
        rule_sets: { set: { path: "x", format: "exe" } },
      }, /^c\.json: rule_sets\.set\.format: expected auto, plain/],
      [
        ["-c", "c.json", "a"],
        { ...CONFIG, geoip_file: CONFIG.geosite_file },
        /geosite-test\.dat: it has no category "XX"/,
      ],
      [
        ["-c", "c.json", "a"],
        { ...CONFIG, geosite_file: "/nonexistent" },
        /^Cannot read \/nonexistent: /,
      ],
    ] as const
  ) {
    await assert.rejects(
      explain(words, { "c.json": JSON.stringify(file), "x.acl": ACL }),
      (error) => {
        assert.ok(error instanceof ConfigError, String(error));
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test("readTarget() reads names and addresses, with and without a port", () => {
  for (
    const [text, host, port] of [
      ["a.test", "a.test", 443],
      ["a.test:80", "a.test", 80],
      ["192.0.2.1:80", "192.0.2.1", 80],
      ["2001:db8::1", "2001:db8::1", 443],
      ["[2001:db8::1]:80", "2001:db8::1", 80],
      ["[2001:db8::1]", "2001:db8::1", 443],
    ] as const
  ) {
    const target = readTarget(text);
    assert.deepEqual([target.host, target.port], [host, port]);
  }
});

test("umbra check acl describes, and decides at both ends", () => {
  const sources = sourcesOf(() => `${ACL}[outbound_block_list]\n||ads.test\n`);
  assert.deepEqual(
    describeAclFiles(["x.acl"], ["ads.test", "b.test"], sources).split("\n"),
    [
      "x.acl: an ACL",
      "what no list decides: through the server",
      "[bypass_list]: 1 exact, 1 IPv4",
      "[outbound_block_list]: 1 suffix",
      'ads.test at a client: block: [outbound_block_list] domain_suffix "ads.test" (x.acl:6)',
      'ads.test at a server: block: [outbound_block_list] domain_suffix "ads.test" (x.acl:6)',
      "b.test at a client: proxy: [proxy_all], unless its addresses decide otherwise",
      "b.test at a server: direct: [outbound_allow_all]",
      "",
    ],
  );
});
