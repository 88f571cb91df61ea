import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatSsrUri,
  parseSsrUri,
  type SsrUri,
} from "../../../src/codec/ssr_uri.ts";
import { parseOnlineConfig } from "../../../src/codec/sip008.ts";
import { ConfigError } from "../../../src/errors.ts";

const SERVER: SsrUri = {
  host: "192.0.2.1",
  port: 8388,
  protocol: "auth_aes128_md5",
  method: "aes-256-cfb",
  obfs: "tls1.2_ticket_auth",
  password: "pass:word/?#",
  obfsParam: "www.example.com",
  protocolParam: "1001:user password",
  tag: "名前 ✓",
  group: "a group",
  extra: [["udpport", "0"], ["uot", "1"]],
};

/** A link around any text. */
function link(inside: string, { urlSafe = true, padded = false } = {}): string {
  const bytes = new TextEncoder().encode(inside);
  let text = btoa(String.fromCharCode(...bytes));
  if (urlSafe) text = text.replaceAll("+", "-").replaceAll("/", "_");
  return `ssr://${padded ? text : text.replace(/=+$/, "")}`;
}

const b = (text: string): string => link(text).slice("ssr://".length);

test("formatSsrUri() writes what parseSsrUri() reads", () => {
  const { host, port, protocol, method, obfs, password } = SERVER;
  const least = { host, port, protocol, method, obfs, password };
  for (const server of [SERVER, least, { ...least, host: "2001:db8::1" }]) {
    const text = formatSsrUri(server);
    assert.match(text, /^ssr:\/\/[\w-]+$/);
    assert.deepEqual(parseSsrUri(text), server);
  }
});

test("formatSsrUri() writes the form that strict readers want", () => {
  const text = formatSsrUri({
    ...SERVER,
    tag: "t",
    group: "g",
    extra: [],
  });
  const inside = atob(text.slice(6).replaceAll("-", "+").replaceAll("_", "/"));
  assert.equal(
    inside,
    "192.0.2.1:8388:auth_aes128_md5:aes-256-cfb:tls1.2_ticket_auth:" +
      `${b("pass:word/?#")}/?obfsparam=${b("www.example.com")}` +
      `&protoparam=${b("1001:user password")}&remarks=${b("t")}&group=${
        b("g")
      }`,
  );
});

test("parseSsrUri() takes both alphabets, padding and forms of the query", () => {
  const fields = `192.0.2.1:8388:origin:rc4-md5:plain:${b("??>>~~secret")}`;
  const expected = {
    host: "192.0.2.1",
    port: 8388,
    protocol: "origin",
    method: "rc4-md5",
    obfs: "plain",
    password: "??>>~~secret",
  };
  for (const query of ["", "/", "/?", "?", "/?remarks=", "/?remarks=&group="]) {
    for (const urlSafe of [true, false]) {
      for (const padded of [true, false]) {
        const text = link(fields + query, { urlSafe, padded });
        assert.deepEqual(parseSsrUri(` ${text}\n`), expected, text);
      }
    }
  }
});

test("parseSsrUri() splits from the right, and drops what only servers need", () => {
  const inside = "2001:db8::1:443:auth_sha1_v4_compatible:none:" +
    `http_simple_compatible:${b("p")}`;
  for (const host of ["", "[", "]"]) {
    const bracketed = host === ""
      ? inside
      : inside.replace("2001:db8::1", "[2001:db8::1]");
    assert.deepEqual(parseSsrUri(link(bracketed)), {
      host: "2001:db8::1",
      port: 443,
      protocol: "auth_sha1_v4",
      method: "none",
      obfs: "http_simple",
      password: "p",
    });
  }
});

for (
  const [what, text] of [
    ["another scheme", "ss://YWJj"],
    ["nothing", "ssr://"],
    ["no base64", "ssr://!!!!"],
    ["no UTF-8", "ssr://gICA"],
    ["too few fields", link("h:1:origin:none:plain")],
    ["no host", link(`:1:origin:none:plain:${b("p")}`)],
    ["no name for a host", link(`a b:1:origin:none:plain:${b("p")}`)],
    ["port 0", link(`h:0:origin:none:plain:${b("p")}`)],
    ["port 65536", link(`h:65536:origin:none:plain:${b("p")}`)],
    ["no port", link(`h:x:origin:none:plain:${b("p")}`)],
    ["no method", link(`h:1:origin::plain:${b("p")}`)],
    ["no password", link("h:1:origin:none:plain:")],
    ["a password that is no base64", link("h:1:origin:none:plain:%")],
    [
      "a parameter that is none",
      link(`h:1:origin:none:plain:${b("p")}/?obfsparam=%`),
    ],
  ] as const
) {
  test(`parseSsrUri() refuses ${what}`, () => {
    assert.throws(() => parseSsrUri(text), (error) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "ERR_SS_URI_INVALID");
      return true;
    });
  });
}

test("parseSsrUri() and formatSsrUri() tell no secret", () => {
  const secret = "very-secret-word";
  for (const inside of [`a b:1:origin:none:plain:${b(secret)}`, secret]) {
    assert.throws(() => parseSsrUri(link(inside)), (error: Error) => {
      assert.ok(!error.message.includes(secret));
      assert.ok(!error.message.includes(b(secret)));
      return true;
    });
  }
  assert.throws(() => formatSsrUri({ ...SERVER, method: "a:b" }), ConfigError);
  assert.throws(() => formatSsrUri({ ...SERVER, password: "" }), ConfigError);
  assert.throws(() => formatSsrUri({ ...SERVER, host: "a b" }), ConfigError);
});

/** A server as lists of servers have it. */
const listed = (ssr: SsrUri) => ({
  ...{ host: ssr.host, port: ssr.port, tag: ssr.tag },
  ssr,
});

test("parseOnlineConfig() reads a subscription of ShadowsocksR", () => {
  const second = { ...SERVER, host: "example.com" };
  const text = btoa([SERVER, second].map(formatSsrUri).join("\n"));
  const wrapped = text.replace(/.{76}/g, "$&\r\n");
  for (
    const body of [text, wrapped, `\uFEFF${text}\n`, text.replace(/=+$/, "")]
  ) {
    assert.deepEqual(parseOnlineConfig(body), {
      servers: [listed(SERVER), listed(second)],
      warnings: [],
    });
  }
});

test("parseOnlineConfig() keeps ss:// links, and tells which ssr:// it cannot read", () => {
  const other = "ss://YWVzLTI1Ni1nY206cHc@192.0.2.1:1";
  const lines = ["MAX=2", "", formatSsrUri(SERVER), other, "ssr://!!", "remark"]
    .join("\r\n");
  for (const body of [btoa(lines), lines.split("\r\n").slice(2).join("\n")]) {
    const { servers, warnings } = parseOnlineConfig(body);
    assert.deepEqual(servers, [listed(SERVER), {
      ...{ host: "192.0.2.1", port: 1 },
      ...{ method: "aes-256-gcm", password: "pw" },
    }]);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /^line \d is left out: /);
  }
});

test("parseOnlineConfig() refuses what has no link", () => {
  for (const body of ["", "{}", btoa("hello"), btoa("ssr://!!"), "<html>"]) {
    assert.throws(() => parseOnlineConfig(body), { code: "ERR_ONLINE_CONFIG" });
  }
});
