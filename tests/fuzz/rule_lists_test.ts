/**
 * Every reader of lists: a list or a `ConfigError` of lists, whatever comes,
 * and what was read can be asked. `FUZZ_COUNT=1000000` makes it as long as
 * an afternoon.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { setImmediate } from "node:timers";
import { openCountryDatabase } from "../../src/adapters/system/country_database.ts";
import { decompress } from "../../src/adapters/system/decompress.ts";
import { ConfigError } from "../../src/errors.ts";
import { readAcl } from "../../src/routes/acl/read_acl.ts";
import { clientRoutes } from "../../src/routes/acl/acl_routes.ts";
import { readGeoIp, readGeoSite } from "../../src/routes/lists/geo_dat.ts";
import {
  type ListFormat,
  readRuleList,
} from "../../src/routes/lists/read_list.ts";
import { utf8 } from "../support/bytes.ts";
import { mutations } from "../support/mutate.ts";
import { questionOf } from "../support/route_world.ts";
import { encodeTrie } from "../support/trie.ts";
import { concat } from "../../src/bytes.ts";

const COUNT = Number(process.env["FUZZ_COUNT"] ?? 5_000);

/**
 * Milliseconds one input may take; it takes microseconds. A machine that is
 * busy may pause for as long: then the input is tried again.
 */
const LIMIT_MS = 1_000;

const DATA = new URL("../data/", import.meta.url);
const file = (name: string): Uint8Array =>
  Uint8Array.from(readFileSync(new URL(name, DATA)));
const QUESTIONS = ["a.suffix.test", "192.0.2.1", "2001:db8::1"].map((host) =>
  questionOf(host)
);

/** Bytes as they are, in place of a decompressed stream. */
const asIs = (_: string, bytes: Uint8Array): Uint8Array => bytes;

/** What is inside a compressed file: mutations of that get further. */
const inside = (name: string): Uint8Array => {
  const bytes = file(name);
  const head = bytes.subarray(0, 4);
  return concat(head, decompress("zlib", bytes.subarray(4), 1_000_000));
};

const MRS = [
  concat(head(0), encodeTrie(["+.a.test", "b.test", ".c.test", "*.d.test"])),
  concat(head(1), Uint8Array.fromHex("010000000000000001"), new Uint8Array(32)),
];

const TEXTS = [
  "domain:suffix.test @ads\nfull:a.test\nregexp:^(a|b)+[0-9]{1,3}\\.test$\n",
  'payload:\n  - \'+.a.test\'\n  - DOMAIN-REGEX,^a.*b$\n  - "x\\"y"\n',
  "IP-CIDR,10.0.0.0/8,no-resolve\nDST-PORT,80-90/443\nDOMAIN-KEYWORD,kw\n",
  "2001:db8::/32\n192.0.2.1\nkeyword:kw\n# comment\n\tmünchen.test\n",
].map(utf8);

const SPICE = utf8("()[]{}^$|.*+?\\,:/-#'\"\n\0\xff019a");

fuzzList("srs", [1, 2, 3, 4].map((v) => inside(`rules/rule-set-v${v}.srs`)));
fuzzList("mrs", MRS);
fuzzList("json", [1, 4].map((v) => file(`rules/rule-set-v${v}.json`)));
fuzzList("plain", TEXTS);
fuzzList("clash", TEXTS);

fuzz("srs, compressed", [file("rules/rule-set-v4.srs")], (bytes) => {
  const { condition } = readRuleList(bytes, {
    list: "l",
    format: "srs",
    decompress,
  });
  for (const question of QUESTIONS) condition.answer(question);
});

fuzz("geosite.dat", [file("rules/geosite-test.dat")], (bytes) => {
  const { condition } = readGeoSite(bytes, "alpha", "l");
  for (const question of QUESTIONS) condition.answer(question);
});

fuzz("geoip.dat", [file("rules/geoip-test.dat")], (bytes) => {
  const { condition } = readGeoIp(bytes, "aa", "l");
  for (const question of QUESTIONS) condition.answer(question);
});

fuzz("ACL files", acls(), (bytes) => {
  const text = new TextDecoder().decode(bytes);
  const routes = clientRoutes(readAcl([{ file: "f", text }], () => undefined));
  for (const question of QUESTIONS) assert.ok(routes.decide(question));
});

fuzz(
  "databases of countries",
  ["country", "country-flat"].map((name) => file(`rules/${name}-test.mmdb`)),
  (bytes) => {
    const database = openCountryDatabase(bytes);
    for (const ip of ["192.0.2.1", "2001:db8::1", "::"]) database.countryOf(ip);
  },
);

function fuzzList(format: ListFormat, seeds: readonly Uint8Array[]): void {
  fuzz(format, seeds, (bytes) => {
    const { condition } = readRuleList(bytes, {
      list: "l",
      format,
      decompress: asIs,
    });
    for (const question of QUESTIONS) condition.answer(question);
  });
}

/** Both outcomes must be met: else the mutations say nothing. */
function fuzz(
  what: string,
  seeds: readonly Uint8Array[],
  read: (bytes: Uint8Array) => void,
): void {
  test(`${what}: ${COUNT} mutations`, { timeout: 3_600_000 }, async (t) => {
    const { stackTraceLimit } = Error;
    t.after(() => {
      Error.stackTraceLimit = stackTraceLimit;
    });
    // The stacks of what is refused would take most of a long run. What fails
    // is shown without one, but with the input.
    Error.stackTraceLimit = 0;
    const outcomes = { read: 0, refused: 0 };
    for (
      const input of mutations(seeds, SPICE, { count: COUNT, seed: 1_928 })
    ) {
      if (outcomes.refused % 1_000 === 999) await turn();
      const first = outcomeOf(read, input);
      outcomes[first.what]++;
      let { ms } = first;
      for (let i = 0; i < 3 && ms > LIMIT_MS; i++) {
        ms = outcomeOf(read, input).ms;
      }
      assert.ok(ms < LIMIT_MS, `${ms} ms on ${input.toHex()}`);
    }
    assert.ok(outcomes.refused > COUNT / 1_000, `refused ${outcomes.refused}`);
    assert.ok(outcomes.read > COUNT / 1_000, `read ${outcomes.read}`);
  });
}

/** Lets zlib report its failures again: it keeps them until the next turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function outcomeOf(
  read: (bytes: Uint8Array) => void,
  input: Uint8Array,
): { what: "read" | "refused"; ms: number } {
  const startMs = performance.now();
  let what: "read" | "refused" = "read";
  try {
    read(input);
  } catch (error) {
    const isOurs = error instanceof ConfigError &&
      error.code === "ERR_ROUTE_LIST";
    if (!isOurs) throw new Error(`on ${input.toHex()}`, { cause: error });
    what = "refused";
  }
  return { what, ms: performance.now() - startMs };
}

function acls(): Uint8Array[] {
  return ["rust-forms-proxy-all", "libev-forms", "crlf-conflict"].map((name) =>
    file(`acl/${name}.acl`)
  );
}

function head(behaviour: number): Uint8Array {
  const bytes = new Uint8Array(21);
  bytes.set(utf8("MRS\x01"));
  bytes[4] = behaviour;
  return bytes;
}
