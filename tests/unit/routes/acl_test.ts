import assert from "node:assert/strict";
import { test } from "node:test";
import { nearest } from "../../../src/cli/options/nearest.ts";
import { parseIp } from "../../../src/codec/ip_address.ts";
import { clientRoutes } from "../../../src/routes/acl/acl_routes.ts";
import { describeAcl } from "../../../src/routes/acl/describe_acl.ts";
import { type Acl, readAcl } from "../../../src/routes/acl/read_acl.ts";
import { explainDecision } from "../../../src/routes/route_table.ts";
import { nameOfPattern } from "../../../src/routes/match/name_pattern.ts";
import { questionOf } from "../../support/route_world.ts";

const read = (...texts: string[]): Acl =>
  readAcl(texts.map((text, i) => ({ file: `${i}.acl`, text })), nearest);

test("readAcl() takes the synonyms of both programs", () => {
  for (
    const [heading, mode] of [
      ["proxy_all", "proxy"],
      ["accept_all", "proxy"],
      ["bypass_all", "direct"],
      ["reject_all", "direct"],
    ]
  ) assert.equal(read(`[${heading}]`).mode, mode);
  const { lists } = read(
    "[black_list]\n|a.test\n[white_list]\n|b.test\n|c.test",
  );
  assert.equal(lists.bypass[0]!.counts.exact, 1);
  assert.equal(lists.proxy[0]!.counts.exact, 2);
});

test("readAcl() names line and heading that is not known", () => {
  assert.throws(() => read("[proxy_all]\n[bypas_list]"), {
    code: "ERR_ROUTE_LIST",
    message: "0.acl:2: [bypas_list] is no heading of an ACL; did you mean " +
      "[bypass_list]?",
  });
});

test("readAcl() takes comments, marks, and lines before any heading", () => {
  const acl = read(
    "\uFEFF# words\n|a.test # office\n  192.0.2.0/24\t# x\r\n\r\n",
  );
  const { counts } = acl.lists.bypass[0]!;
  assert.deepEqual([counts.exact, counts.ipv4], [1, 1]);
  assert.match(acl.warnings[0]!, /^0\.acl:2: rules before any heading/);
  assert.equal(
    read("[bypass_list]\n[0-9]+#x\n").lists.bypass[0]!.counts.regex,
    1,
  );
});

test("clientRoutes() joins several files, and explains by file and line", () => {
  const acl = read(
    "[bypass_all]\n[proxy_list]\n||a.test\n",
    "[proxy_list]\n|b.test\n[outbound_block_list]\n||ads.test\n",
  );
  const routes = clientRoutes(acl);
  const explain = (host: string): string =>
    explainDecision(routes.decide(questionOf(host))!);
  assert.equal(
    explain("x.a.test"),
    'proxy: [proxy_list] domain_suffix "a.test" (0.acl:3)',
  );
  assert.equal(
    explain("b.test"),
    'proxy: [proxy_list] domain "b.test" (1.acl:2)',
  );
  assert.equal(
    explain("ads.test"),
    'block: [outbound_block_list] domain_suffix "ads.test" (1.acl:4)',
  );
  assert.equal(explain("c.test"), "direct: [bypass_all]");
  const ignoring = clientRoutes(acl, false);
  assert.equal(ignoring.decide(questionOf("ads.test"))!.to, "direct");
});

test("clientRoutes() resolves names only for the list that decides", () => {
  const asks = (text: string, host = "a.test"): boolean =>
    clientRoutes(read(text))
      .decide(questionOf(host, { addresses: undefined })) === undefined;
  assert.ok(asks("[proxy_all]\n[bypass_list]\n10.0.0.0/8"));
  assert.ok(!asks("[proxy_all]\n[proxy_list]\n10.0.0.0/8"));
  assert.ok(asks("[bypass_all]\n[proxy_list]\n10.0.0.0/8"));
  assert.ok(!asks("[bypass_all]\n[bypass_list]\n10.0.0.0/8"));
  assert.ok(!asks("[proxy_all]\n[outbound_block_list]\n10.0.0.0/8"));
  assert.ok(!asks("[proxy_all]\n[bypass_list]\n10.0.0.0/8\n|a.test"));
  // A client's block list blocks addresses that are asked for as such.
  const routes = clientRoutes(read("[outbound_block_list]\n10.0.0.0/8"));
  assert.equal(routes.decide(questionOf("10.1.1.1"))!.to, "block");
  const resolved = questionOf("a.test", { addresses: [parseIp("10.1.1.1")!] });
  assert.equal(routes.decide(resolved)!.to, "proxy");
});

test("nameOfPattern() takes what says the same, and nothing else", () => {
  for (
    const [pattern, kind, name] of [
      ["(^|\\.)a\\.test$", "suffix", "a.test"],
      ["(?:^|\\.)a\\.test$", "suffix", "a.test"],
      ["^(.*\\.)?a-b\\.test$", "suffix", "a-b.test"],
      ["^(?:.+\\.)?a\\.test$", "suffix", "a.test"],
      ["(?i)^a\\.test$", "exact", "a.test"],
      ["^.*\\.a\\.test$", "below", "a.test"],
      ["\\.a\\.test$", "below", "a.test"],
    ] as const
  ) {
    assert.deepEqual(nameOfPattern(pattern), { kind, name, isLenient: false });
  }
  assert.deepEqual(nameOfPattern("(^|\\.)a.test$"), {
    kind: "suffix",
    name: "a.test",
    isLenient: true,
  });
  for (
    const pattern of ["a\\.test$", "(^|\\.)a\\.test", "^a.*$", "(^|\\.)a+$"]
      .concat("^(a|b)$", "(^|\\.)a\\..test$", "(^|\\.)\\.a$", "^$", "$")
  ) assert.equal(nameOfPattern(pattern), undefined, pattern);
  // Hyphens are letters and separators: a careless reader never returns.
  const startMs = performance.now();
  nameOfPattern(`(^|\\.)${"a-".repeat(2_000)}!$`);
  assert.ok(performance.now() - startMs < 1_000);
});

test("describeAcl() counts, and names conflicts and rules that never decide", () => {
  const acl = read(
    "[proxy_all]\n[bypass_list]\n||a.test\n|x.a.test\nconflict[0-9]\n10.0.0.0/8\n" +
      "||both.test\n(?=x)\n(^|\\.)dot.test$\n[proxy_list]\n||both.test\n",
  );
  assert.deepEqual(describeAcl(acl), [
    "what no list decides: through the server",
    "[bypass_list]: 1 exact, 3 suffix, 1 regex, 1 IPv4",
    "[proxy_list]: 1 suffix",
    "1 in [proxy_list] and [bypass_list]; [proxy_list] decides:",
    "  both.test (line 7; both.test, line 11)",
    "1 never decide, since a shorter name of the same list does:",
    "  x.a.test (line 4; a.test, line 3)",
    "2 not used, or not as it is written:",
    "  0.acl: 1 entry: is a pattern that cannot be used: it looks ahead or behind, " +
    "or has an unknown kind of group (line 8)",
    "  0.acl: 1 entry: has a dot that is not escaped; read as a dot (line 9)",
  ]);
});
