// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
/**
 * What `umbra convert` and `umbra server` read of older programs, mutated as
 * text and as values: there is a result or a declared error, and no error shows
 * a password.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { CONVERT_FORMS } from "../../src/cli/commands/defaults.ts";
import { findCommand } from "../../src/cli/commands/commands.ts";
import { configureServer } from "../../src/cli/config/config.ts";
import { type Arguments, parseArguments } from "../../src/cli/options/args.ts";
import { convert } from "../../src/cli/tools/convert.ts";
import { formatLightsocksPassword } from "../../src/codec/lightsocks_password.ts";
import { makeLightsocksTable } from "../support/lightsocks_table.ts";
import { isClash } from "../../src/codec/foreign_outbounds.ts";
import { redirectTargets } from "../../src/codec/ssr_redirect.ts";
import { UmbraError } from "../../src/errors.ts";
import { seededBytes, seededRandom, utf8 } from "../support/bytes.ts";
import { mutations } from "../support/mutate.ts";
import { sourcesOf } from "../support/sources.ts";

/** Mutations of each; by hand, with `FUZZ_COUNT=1000000`. */
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 500);

const SECRET = "correct-horse";
const TABLE = makeLightsocksTable((length) => seededBytes(length, 3));
const SPICE = utf8('{}[],:#"\\ 09.-*@/%=ss');

const SSR = {
  server: "2001:db8::1",
  server_port: 443,
  password: SECRET,
  method: "rc4-md5",
  protocol: "auth_aes128_md5",
  protocol_param: `64#1001:${SECRET},1002:b`,
  obfs: "http_post_compatible",
  obfs_param: "e.example",
  redirect: ["*:443#192.0.2.9:443", "*#192.0.2.8"],
  speed_limit_per_user: 9,
  speed_limit_per_con: 3,
  additional_ports: { 8389: { password: SECRET, obfs: "plain" } },
};
const MUDB = [
  { user: "a", port: 1, passwd: SECRET, transfer_enable: 9, u: 1, d: 2 },
  { port: 2, passwd: SECRET, protocol_param: "9#", enable: 1 },
];
const DOCUMENTS: readonly unknown[] = [
  SSR,
  MUDB,
  { ...SSR, server: "::", port_password: { 1: SECRET, 2: [SECRET, "plain"] } },
  {
    listen: ":7448",
    remote: "192.0.2.1:7000",
    password: formatLightsocksPassword(TABLE, "go"),
  },
  {
    ...{ serverAddr: "192.0.2.1", serverPort: 7000 },
    ...{ localAddr: "127.0.0.1", localPort: 7448 },
    password: formatLightsocksPassword(TABLE, "python"),
  },
  {
    version: 1,
    servers: [{
      ...{ id: "1", remarks: "n", server: "192.0.2.1", server_port: 1 },
      ...{ password: SECRET, method: "aes-256-gcm", plugin: "" },
    }],
  },
  {
    outbounds: [{
      ...{ type: "shadowsocks", server: "h", server_port: 1 },
      ...{ method: "aes-256-cfb", password: SECRET },
    }],
  },
];
const LIST = `MAX=1\nss://YWVzLTI1Ni1nY206cHc@192.0.2.1:1#n\nssr://eA\n`;
const CLASH = "proxies:\n  - {name: a, type: ss, server: h, port: 1, " +
  `cipher: aes-256-gcm, password: ${SECRET}}\n`;

const TEXTS = [
  ...DOCUMENTS.map((document) => JSON.stringify(document)),
  btoa(LIST),
  CLASH,
];

/** Values that mean something to some key, or to none. */
const VALUES: readonly unknown[] = [
  ...[null, true, 0, 1, -1, 1.5, 65_536, 1e300, "", "a", "8388", "[::1]:1"],
  ...["*#a:0", "64#1:a", "1:b", "::", "plain", "none", "auth_chain_a"],
  ...[[], ["a"], ["a", "plain", "origin"], {}, { password: "p" }, [[]]],
];

/** What is read, alternately to each form. */
const WAYS: readonly (readonly string[])[] = [
  ...CONVERT_FORMS.map((to) => ["--to", to]),
  ["--upgrade"],
  ["--host", "h.example"],
];

const args = (command: string, ...argv: readonly string[]): Arguments =>
  parseArguments(findCommand(command)!, ["-c", "f", ...argv]);

const CONVERT = WAYS.map((way) => args("convert", ...way));
const SERVER = args("server", "--allow-legacy");

/** How many were read; what is refused must be so by a declared error. */
function read(texts: Iterable<string>): number {
  let count = 0;
  let i = 0;
  const random = (length: number): Uint8Array => seededBytes(length, length);
  for (const text of texts) {
    const sources = sourcesOf(() => text);
    const way = CONVERT[i++ % CONVERT.length]!;
    for (
      const run of [
        () => convert(way, sources, random),
        () => configureServer(SERVER, sources),
      ]
    ) {
      try {
        run();
        count++;
      } catch (error) {
        if (!(error instanceof UmbraError)) throw error;
        // Names of proxies are shown, and a mutation makes one of anything.
        const isShown = isClash(text) || /"(?:tag|remarks)"/.test(text);
        assert.ok(isShown || !error.message.includes(SECRET), error.message);
      }
    }
  }
  return count;
}

test(`what older programs write survives ${COUNT} mutations of its text`, () => {
  const decoder = new TextDecoder();
  const options = { count: COUNT, seed: 51 };
  const all = mutations(TEXTS.map(utf8), SPICE, options);
  const count = read(all.map((bytes) => decoder.decode(bytes)));
  assert.ok(count > COUNT / 50, `${count} of ${COUNT}`);
});

test(`what older programs write survives ${COUNT} mutations of its values`, () => {
  const next = seededRandom(52);
  function* texts(): Generator<string> {
    for (let i = 0; i < COUNT; i++) {
      const document = structuredClone(DOCUMENTS[next() % DOCUMENTS.length]);
      for (let edits = 1 + next() % 3; edits > 0; edits--) {
        change(document, next);
      }
      yield JSON.stringify(document);
    }
  }
  const count = read(texts());
  assert.ok(count > COUNT / 20, `${count} of ${COUNT}`);
});

test(`redirect survives ${COUNT} mutations`, () => {
  const samples = ["*:443#192.0.2.9:443", "[2001:db8::1]:80", "a.example"];
  const decoder = new TextDecoder();
  let count = 0;
  for (
    const bytes of mutations(samples.map(utf8), SPICE, {
      count: COUNT,
      seed: 53,
    })
  ) {
    try {
      for (const { port } of redirectTargets([decoder.decode(bytes)], 443)) {
        assert.ok(port > 0 && port < 65_536);
        count++;
      }
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
    }
  }
  assert.ok(count > COUNT / 20, `${count} of ${COUNT}`);
});

/** Puts another value somewhere, or a key of another object. */
function change(document: unknown, next: () => number): void {
  let at = document as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0) return;
    const key = keys[next() % keys.length]!;
    const value = at[key];
    if (typeof value === "object" && value !== null && next() % 2 === 0) {
      at = value as Record<string, unknown>;
      continue;
    }
    if (next() % 8 === 0) delete at[key];
    else at[key] = structuredClone(VALUES[next() % VALUES.length]);
    return;
  }
}
