import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { deflateSync, zstdCompressSync } from "node:zlib";
import { concat } from "../../../src/bytes.ts";
import { decompress } from "../../../src/adapters/system/decompress.ts";
import { parseIp } from "../../../src/codec/ip_address.ts";
import { inCountry } from "../../../src/routes/condition.ts";
import { readGeoIp, readGeoSite } from "../../../src/routes/lists/geo_dat.ts";
import { readClashList } from "../../../src/routes/lists/clash_list.ts";
import { formatOf } from "../../../src/routes/lists/read_list.ts";
import { hex, utf8 } from "../../support/bytes.ts";
import { listOf, why } from "../../support/route_world.ts";
import { encodeTrie } from "../../support/trie.ts";

const RULES = new URL("../../data/rules/", import.meta.url);
const file = (name: string): Uint8Array => readFileSync(new URL(name, RULES));

test("a plain list of v2fly: prefixes, marks, comments, and what is bare", () => {
  const { condition, counts, notes } = listOf(`# comment
domain:suffix.test @ads
full:full.test # behind
keyword:kw @cn
regexp:^re[0-9]+\\.test$ @ads
bare.test
192.0.2.0/24
2001:db8::/32
include:other
whatever:x
münchen.test`);
  assert.deepEqual(counts, {
    exact: 1,
    suffix: 3,
    keyword: 1,
    regex: 1,
    ipv4: 1,
    ipv6: 1,
  });
  for (
    const [host, expected] of [
      ["a.suffix.test", "domain_suffix=suffix.test"],
      ["full.test", "domain=full.test"],
      ["a.full.test", ""],
      ["akwz.test", "domain_keyword=kw"],
      ["re17.test", "domain_regex=^re[0-9]+\\.test$"],
      ["are17.test", ""],
      ["x.bare.test", "domain_suffix=bare.test"],
      ["192.0.2.77", "ip_cidr=192.0.2.0/24"],
      ["2001:db8::1", "ip_cidr=2001:db8::/32"],
      ["192.0.3.0", ""],
      ["www.münchen.test", "domain_suffix=xn--mnchen-3ya.test"],
    ] as const
  ) assert.equal(why(condition, host), expected, host);
  assert.deepEqual(notes.map(({ reason, lines }) => [reason, lines]), [
    ["includes another list, which is not supported", [9]],
    ["has an unknown prefix", [10]],
  ]);
});

test("a plain list with suffix: is one of shadowsocks-go: domain: is exact", () => {
  const { condition } = listOf("domain:a.test\nsuffix:b.test\n");
  assert.equal(why(condition, "a.test"), "domain=a.test");
  assert.equal(why(condition, "x.a.test"), "");
  assert.equal(why(condition, "x.b.test"), "domain_suffix=b.test");
});

test("a hit names list and line", () => {
  const { condition } = listOf("\n\nfull:a.test\r\n");
  const hit = condition.answer({ name: "a.test", port: 1, network: "tcp" });
  assert.deepEqual(
    typeof hit === "object" && [hit.list, hit.line],
    ["test", 3],
  );
});

test("a list of Clash: classical lines, as text and as YAML", () => {
  const lines = [
    ...["DOMAIN,exact.test", "DOMAIN-SUFFIX,suffix.test,DIRECT"],
    ...[
      "DOMAIN-KEYWORD,kw",
      "DOMAIN-REGEX,^a{1,2}\\.re$",
      "IP-CIDR,192.0.2.0/24",
    ],
    ...["IP-CIDR6,2001:db8::/32,no-resolve", "DST-PORT,8080/9000-9001"],
    ...["SRC-IP-CIDR,10.0.0.0/8", "DOMAIN-WILDCARD,*.wild.test"],
    ...["PROCESS-NAME,curl", "GEOIP,XX"],
  ];
  const text = lines.join("\n");
  const yaml = `# list\npayload:\n${
    lines.map((line, i) =>
      `  - ${i % 2 ? `'${line}'` : `"${line.replaceAll("\\", "\\\\")}"`} # why`
    ).join("\n")
  }\n`;
  for (const content of [text, yaml]) {
    const { condition, notes } = readClashList(content, "l");
    for (
      const [host, expected] of [
        ["exact.test", "domain=exact.test"],
        ["a.exact.test", ""],
        ["a.suffix.test", "domain_suffix=suffix.test"],
        ["xkwx", "domain_keyword=kw"],
        ["aa.re", "domain_regex=^a{1,2}\\.re$"],
        ["192.0.2.1", "ip_cidr=192.0.2.0/24"],
        ["2001:db8::1", "ip_cidr=2001:db8::/32"],
        ["a.wild.test", "domain_regex=^[^.]+\\.wild\\.test$"],
        ["a.b.wild.test", ""],
      ] as const
    ) assert.equal(why(condition, host), expected, host);
    assert.equal(why(condition, "x", { port: 9_001 }), "port_range=9000:9001");
    assert.equal(why(condition, "x", { port: 8_080 }), "port=8080");
    assert.equal(
      why(condition, "x", { source: parseIp("10.1.1.1") }),
      "source=10.0.0.0/8",
    );
    // no-resolve: what a name resolves to is not compared with that block.
    const resolved = (ip: string): string =>
      why(condition, "x", { addresses: [parseIp(ip)!] });
    assert.equal(resolved("192.0.2.1"), "ip_cidr=192.0.2.0/24");
    assert.equal(resolved("2001:db8::1"), "");
    assert.deepEqual(notes.map(({ reason }) => reason), [
      "has PROCESS-NAME, which is not supported",
      "has GEOIP, but geoip_file is not set",
    ]);
  }
  const there = readClashList(
    "GEOIP,xx",
    "l",
    (code) => inCountry(code, () => "XX"),
  );
  assert.equal(why(there.condition, "192.0.2.1"), "geoip=XX");
});

test("a list of Clash: names and blocks alone", () => {
  const { condition } = listOf(
    "payload:\n- '+.a.test'\n- .b.test\n- c.test\n- '*.d.test'\n",
  );
  for (
    const [host, expected] of [
      ["a.test", "domain_suffix=a.test"],
      ["x.a.test", "domain_suffix=a.test"],
      ["b.test", ""],
      ["x.b.test", "domain_suffix=.b.test"],
      ["c.test", "domain=c.test"],
      ["x.c.test", ""],
      ["x.d.test", "domain_regex=^[^.]+\\.d\\.test$"],
    ] as const
  ) assert.equal(why(condition, host), expected, host);
});

for (const version of [1, 2, 3, 4]) {
  test(`a rule set of sing-box, version ${version}: .srs says what .json says`, () => {
    const hosts = [
      ...["exact.test", "a.exact.test", "suffix.test", "a.suffix.test"],
      ...["dot.test", "a.dot.test", "xkwx.example", "re7.test", "re.test"],
      ...["10.200.0.1", "192.0.2.1", "192.0.2.2", "2001:db8::1", "and.test"],
    ];
    const answers = ["json", "srs"].map((format) => {
      const { condition, notes } = listOf(
        file(`rule-set-v${version}.${format}`),
      );
      assert.deepEqual(notes, []);
      return hosts.flatMap((host) =>
        [443, 444, 8_500].map((port) =>
          `${host}:${port} ${why(condition, host, { port })}`
        )
      );
    });
    // Version 1 writes a suffix as two entries; the words may differ.
    const plain = (lines: string[]): string[] =>
      lines.map((line) => line.replace(/domain(_suffix)?=\.?/, "name="));
    assert.deepEqual(plain(answers[1]!), plain(answers[0]!));
    const [json] = answers;
    const is = (line: string): boolean => json!.includes(line);
    assert.ok(is("dot.test:443 invert=true"));
    assert.ok(is("a.dot.test:443 domain_suffix=.dot.test"));
    // The second rule holds for everything but and.test on those ports.
    assert.ok(is("and.test:443 "));
    assert.ok(is("and.test:8500 "));
    assert.ok(is("and.test:444 invert=true"));
  });
}

test("a JSON rule set: conditions that Umbra does not have leave the rule out", () => {
  const { condition, notes } = listOf(JSON.stringify({
    version: 3,
    rules: [
      { domain: "a.test", process_name: "x" },
      { domain: "b.test", network: "udp" },
      { domain: "c.test", port: "443", source_ip_cidr: "10.0.0.0/8" },
      {
        type: "logical",
        mode: "or",
        rules: [{ domain: "d.test" }, { port: 99 }],
      },
    ],
  }));
  assert.equal(why(condition, "a.test"), "");
  assert.equal(why(condition, "b.test"), "");
  assert.equal(why(condition, "b.test", { network: "udp" }), "domain=b.test");
  assert.equal(why(condition, "c.test"), "");
  assert.equal(
    why(condition, "c.test", { source: parseIp("10.1.1.1") }),
    "domain=c.test",
  );
  assert.equal(why(condition, "d.test"), "domain=d.test");
  assert.equal(why(condition, "x", { port: 99 }), "port=99");
  assert.deepEqual(notes.map(({ count }) => count), [1]);
});

test("a .srs file: a condition that Umbra does not have is stepped over", () => {
  const string = (text: string): Uint8Array =>
    concat(Uint8Array.of(text.length), utf8(text));
  const skipped: Record<number, Uint8Array> = {
    0: hex("020001000f"),
    7: hex("010050"),
    8: concat(hex("01"), string("1:2")),
    11: concat(hex("02"), string("a"), string("b")),
    16: hex("0001" + "0".repeat(16) + "01" + "0".repeat(15) + "1" + "00"),
    18: hex("020102"),
    19: hex(""),
    20: hex(""),
    21: hex("01" + "03" + "01" + "04" + "0a000000" + "08"),
    22: hex("01" + "04" + "0a000000" + "08"),
  };
  const known = concat(hex("00" + "03" + "01"), string("kw"), hex("ff00"));
  for (const [type, bytes] of Object.entries(skipped)) {
    const rules = concat(
      hex("02" + "00"),
      Uint8Array.of(Number(type)),
      bytes,
      hex("ff00"),
      known,
    );
    const { condition, notes } = listOf(srs(rules));
    assert.equal(why(condition, "akw"), "domain_keyword=kw", type);
    assert.equal(notes[0]?.count, 1, type);
  }
  assert.throws(() => listOf(srs(hex("01" + "00" + "63" + "ff00"))), {
    code: "ERR_ROUTE_LIST",
    message: /type 99/,
  });
});

test("a .mrs file: names and blocks", () => {
  const names = mrs(
    0,
    encodeTrie(["+.a.test", "b.test", ".c.test", "*.d.test"]),
  );
  const { condition } = listOf(names);
  for (
    const [host, expected] of [
      ["x.a.test", "domain_suffix=a.test"],
      ["b.test", "domain=b.test"],
      ["x.b.test", ""],
      ["c.test", ""],
      ["x.c.test", "domain_suffix=.c.test"],
      ["x.d.test", "domain_regex=^[^.]+\\.d\\.test$"],
    ] as const
  ) assert.equal(why(condition, host), expected, host);
  const from = parseIp("2001:db8::")!;
  const v4 = hex("00000000000000000000ffffc0000200");
  const v4To = hex("00000000000000000000ffffc00002ff");
  const to = parseIp("2001:db8::ffff")!;
  const blocks = listOf(
    mrs(1, concat(hex("01" + "0000000000000002"), from, to, v4, v4To)),
  );
  assert.equal(why(blocks.condition, "2001:db8::7"), "ip_cidr=2001:db8::/112");
  assert.equal(why(blocks.condition, "192.0.2.9"), "ip_cidr=192.0.2.0/24");
  assert.equal(why(blocks.condition, "192.0.3.0"), "");
});

test("a list whose entries are mostly no names is refused", () => {
  const whole = mrs(
    0,
    encodeTrie(["domain-suffix,a.test", "domain,b", "c.test"]),
  );
  assert.throws(() => listOf(whole), {
    code: "ERR_ROUTE_LIST",
    message: /most of its entries cannot be used: 2 entries: is not a name/,
  });
});

test("geosite.dat: categories and attributes", () => {
  const dat = file("geosite-test.dat");
  const alpha = readGeoSite(dat, "alpha", "geosite.dat").condition;
  for (
    const [host, expected] of [
      ["x.suffix.test", "domain_suffix=suffix.test"],
      ["full.test", "domain=full.test"],
      ["x.full.test", ""],
      ["akeywordb", "domain_keyword=keyword"],
      ["re1.test", "domain_regex=^re[0-9]+\\.test$"],
      ["ads.test", "domain_suffix=ads.test"],
      ["beta.test", ""],
    ] as const
  ) assert.equal(why(alpha, host), expected, host);
  const ads = readGeoSite(dat, "ALPHA@ads", "geosite.dat").condition;
  assert.equal(why(ads, "ads.test"), "domain_suffix=ads.test");
  assert.equal(why(ads, "full.test"), "");
  assert.throws(() => readGeoSite(dat, "gamma", "geosite.dat"), {
    code: "ERR_ROUTE_LIST",
    message: /no category "gamma"/,
  });
});

test("geoip.dat: blocks of a country", () => {
  const dat = file("geoip-test.dat");
  const aa = readGeoIp(dat, "aa", "geoip.dat").condition;
  assert.equal(why(aa, "192.0.2.127"), "ip_cidr=192.0.2.0/25");
  assert.equal(why(aa, "192.0.2.128"), "");
  assert.equal(why(aa, "2001:db8:a::1"), "ip_cidr=2001:db8:a::/48");
  const bb = readGeoIp(dat, "BB", "geoip.dat").condition;
  assert.equal(why(bb, "192.0.2.128"), "ip_cidr=192.0.2.128/25");
});

test("formatOf() tells formats apart", () => {
  for (
    const [text, format] of [
      ["a.test\n", "plain"],
      ["domain:a.test", "plain"],
      ["# x\n\nDOMAIN-SUFFIX,a.test\n", "clash"],
      ["+.a.test\n", "clash"],
      ["payload:\n  - a.test", "clash"],
      ['\uFEFF {"version":1}', "json"],
      ["SRS\u0001", "srs"],
    ] as const
  ) assert.equal(formatOf(utf8(text)), format, text);
  assert.equal(formatOf(hex("28b52ffd00")), "mrs");
});

test("every cut of a binary list is refused", () => {
  for (const bytes of [file("rule-set-v4.srs"), file("rule-set-v1.srs")]) {
    for (let length = 0; length < bytes.length; length++) {
      assert.throws(() => listOf(bytes.subarray(0, length), "srs"), {
        code: "ERR_ROUTE_LIST",
      });
    }
  }
  const content = decompress(
    "zlib",
    file("rule-set-v4.srs").subarray(4),
    10_000,
  );
  for (let length = 0; length < content.length; length++) {
    assert.throws(() => listOf(srs(content.subarray(0, length))), {
      code: "ERR_ROUTE_LIST",
    });
  }
});

test("a stream that grows beyond the bound is refused", () => {
  const bomb = new Uint8Array(70_000_000);
  for (const list of [srs(bomb), zstdCompressSync(bomb)]) {
    assert.ok(list.length < 200_000);
    assert.throws(() => listOf(list), {
      code: "ERR_ROUTE_LIST",
      message: /larger than 67108864 bytes/,
    });
  }
});

test("rules that are nested too deep, and too many of them, are refused", () => {
  const deep = (levels: number): unknown =>
    levels === 0
      ? { domain: "a.test" }
      : { type: "logical", mode: "and", rules: [deep(levels - 1)] };
  const set = (rules: unknown): string => JSON.stringify({ version: 1, rules });
  assert.equal(
    why(listOf(set([deep(16)])).condition, "a.test"),
    "domain=a.test",
  );
  assert.throws(() => listOf(set([deep(17)])), /nested too deep/);
  const many = Array.from({ length: 10_001 }, () => ({ port: 1 }));
  assert.throws(() => listOf(set(many)), /more than 10000 rules/);
});

function srs(content: Uint8Array): Uint8Array {
  return concat(hex("53525304"), deflateSync(content));
}

function mrs(behaviour: number, content: Uint8Array): Uint8Array {
  const head = concat(
    hex("4d525301"),
    Uint8Array.of(behaviour),
    hex("0000000000000001" + "0000000000000002" + "abcd"),
  );
  return zstdCompressSync(concat(head, content));
}
