/**
 * Outbounds of sing-box and proxies of Clash that are mutated: servers, or a
 * declared error; what is read is written, and read back equal.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import {
  isClash,
  isSingBox,
  readClash,
  readSingBox,
  toClash,
} from "../../src/codec/foreign_outbounds.ts";
import { UmbraError } from "../../src/errors.ts";
import { utf8 } from "../support/bytes.ts";
import { mutations } from "../support/mutate.ts";

/** Mutations of each; by hand, with `FUZZ_COUNT=1000000`. */
const COUNT = Number(process.env["FUZZ_COUNT"] ?? 2_000);

const SPICE = utf8("{}[],:#'\"\\-\n ~x0sr");

const CLASH = [
  `proxies:
  - {name: "a b", type: ss, server: 192.0.2.1, port: 8388, cipher: aes-256-cfb, password: 'p''w'}
  - name: b # a comment
    type: ssr
    server: "2001:db8::1"
    port: 443
    cipher: none
    password: "\\u00e9\\x41"
    protocol: auth_chain_a
    protocol-param: "1:p"
    obfs: plain
    plugin-opts: {mode: [a, {b: c}]}
rules:
  - x
`,
  'proxies: [{name: a, type: ss, server: h, port: 1, cipher: c, password: p}, {"type": "x"}]',
];

const SING_BOX = [
  '{"outbounds":[{"type":"shadowsocks","tag":"t","server":"h","server_port":1,"method":"m","password":"p"},{"type":"direct"}]}',
  '{"type":"shadowsocksr","server":"h","server_port":1,"method":"m","password":"p","obfs":"plain","protocol":"origin"}',
];

function texts(samples: readonly string[]): Iterable<string> {
  const decoder = new TextDecoder();
  const all = mutations(samples.map(utf8), SPICE, { count: COUNT, seed: 41 });
  return all.map((bytes) => decoder.decode(bytes));
}

/** `undefined` for what is refused; any other error fails. */
function accepted<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    return undefined;
  }
}

test(`proxies of Clash survive ${COUNT} mutations`, () => {
  let read = 0;
  for (const text of texts(CLASH)) {
    isClash(text);
    const config = accepted(() => readClash(text));
    if (config === undefined) continue;
    read++;
    const written = `proxies:\n${config.servers.map(toClash).join("")}`;
    const again = readClash(written).servers;
    assert.deepEqual(
      again.map((one) => ({ ...one, tag: "" })).map(withoutTag),
      config.servers.map((one) => ({ ...one, tag: "" })).map(withoutTag),
    );
  }
  assert.ok(read > COUNT / 20, `${read} of ${COUNT}`);
});

test(`outbounds of sing-box survive ${COUNT} mutations`, () => {
  let read = 0;
  for (const text of texts(SING_BOX)) {
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      continue;
    }
    if (!isSingBox(document)) continue;
    if (accepted(() => readSingBox(document)) !== undefined) read++;
  }
  assert.ok(read > COUNT / 50, `${read} of ${COUNT}`);
});

/** What has no name is given one: its address. */
function withoutTag<T extends object>(server: T): T {
  return "ssr" in server
    ? { ...server, ssr: { ...server.ssr as object, tag: "" } }
    : server;
}
