// Keys of published lists are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isOnlineUrl,
  parseOnlineConfig,
  parseOnlineUrl,
} from "../../../src/codec/sip008.ts";
import { ConfigError } from "../../../src/errors.ts";

/** The example of SIP008, shortened. */
const EXAMPLE = {
  version: 1,
  servers: [{
    id: "27b8a625-4f4b-4428-9f0f-8a2317db7c79",
    remarks: "Name of the server",
    server: "example.com",
    server_port: 8388,
    password: "example",
    method: "chacha20-ietf-poly1305",
    plugin: "xxx",
    plugin_opts: "xxxxx",
  }, {
    id: "7842c068-c667-41f2-8f7d-04feece3cb67",
    remarks: "",
    server: "[2001:db8::1]",
    server_port: "443",
    password: "a+b/c=",
    method: "2022-blake3-aes-256-gcm",
    plugin: "",
    plugin_opts: "",
    an_extension: { of: ["somebody"] },
  }],
  bytes_used: 274877906944,
  bytes_remaining: 824633720832,
};

const SERVERS = [{
  method: "chacha20-ietf-poly1305",
  password: "example",
  host: "example.com",
  port: 8388,
  plugin: "xxx;xxxxx",
  tag: "Name of the server",
  id: "27b8a625-4f4b-4428-9f0f-8a2317db7c79",
}, {
  method: "2022-blake3-aes-256-gcm",
  password: "a+b/c=",
  host: "2001:db8::1",
  port: 443,
  id: "7842c068-c667-41f2-8f7d-04feece3cb67",
}];

function refused(pattern: RegExp): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "ERR_ONLINE_CONFIG");
    assert.match(error.message, pattern);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  };
}

test("parseOnlineConfig() reads the example of SIP008", () => {
  const text = `\uFEFF${JSON.stringify(EXAMPLE)}\n`;
  assert.deepEqual(parseOnlineConfig(text), { servers: SERVERS, warnings: [] });
});

test("parseOnlineConfig() leaves out what cannot be used, and names it", () => {
  const [good] = EXAMPLE.servers;
  const broken = [
    [{ ...good, server: 1 }, '"server" is not text'],
    [{ ...good, server_port: 0 }, '"server_port" is not in the range'],
    [{ ...good, server_port: 65536 }, '"server_port" is not in the range'],
    [{ ...good, method: "" }, '"method" is not text'],
    [{ ...good, password: null, remarks: undefined }, '"password" is not text'],
    [7, '"server" is not text'],
  ] as const;
  const { servers, warnings } = parseOnlineConfig(JSON.stringify({
    version: 1,
    servers: [...broken.map(([entry]) => entry), good],
  }));
  assert.deepEqual(servers, SERVERS.slice(0, 1));
  assert.equal(warnings.length, broken.length);
  broken.forEach(([, why], i) => assert.ok(warnings[i]!.includes(why)));
  assert.match(warnings[0]!, /^server 1 \(Name of the server\) is left out/);
  assert.match(warnings[4]!, /^server 5 \(27b8a625/);
  assert.match(warnings[5]!, /^server 6 is left out/);
});

test("parseOnlineConfig() leaves out servers whose text is not well formed, and cleans names", () => {
  const [first] = EXAMPLE.servers;
  const { servers, warnings } = parseOnlineConfig(JSON.stringify({
    version: 1,
    servers: [
      { ...first, remarks: "\u202ea\nb" },
      { ...first, password: "secret\ud800", remarks: "\ud800" },
    ],
  }));
  assert.deepEqual(servers, [{ ...SERVERS[0], tag: "a b" }]);
  assert.match(warnings.join(), /^server 2 \(.+\) is left out: it is not well/);
});

test("parseOnlineConfig() reads what Outline publishes", () => {
  const { version: _, servers: [only] } = EXAMPLE;
  assert.deepEqual(
    parseOnlineConfig(JSON.stringify(only)).servers,
    SERVERS.slice(0, 1),
  );
  const { servers, warnings } = parseOnlineConfig(
    "ss://YTpi@h:1/?outline=1&prefix=x#one\r\nss://secret\nss://YTpj@i:2\n",
  );
  assert.deepEqual(servers, [
    {
      ...{ method: "a", password: "b", host: "h", port: 1, tag: "one" },
      prefix: "x",
    },
    { method: "a", password: "c", host: "i", port: 2 },
  ]);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /^line 2 is left out: Not a valid ss:\/\/ URI/);
});

test("parseOnlineConfig() warns of a missing version, and refuses others", () => {
  const { servers } = EXAMPLE;
  const { warnings } = parseOnlineConfig(JSON.stringify({ servers }));
  assert.match(warnings[0]!, /version/);
  for (const version of [0, 2, "1", null]) {
    assert.throws(
      () => parseOnlineConfig(JSON.stringify({ version, servers })),
      refused(/version .* is unknown/),
    );
  }
});

test("parseOnlineConfig() refuses what is no list, and quotes nothing of it", () => {
  const cases = [
    ["", /neither JSON/],
    ["<html>secret</html>", /neither JSON/],
    ['{"password": "secret", ', /neither JSON/],
    ["[]", /not a JSON object/],
    ['{"version": 1}', /no list/],
    ['{"version": 1, "servers": {}}', /no list/],
    ['{"version": 1, "servers": []}', /no usable server/],
    ['{"version": 1, "servers": [{"password": "secret"}]}', /"server" is not/],
  ] as const;
  for (const [text, why] of cases) {
    assert.throws(() => parseOnlineConfig(text), refused(why));
  }
});

test("parseOnlineUrl() takes https, ssconf, and plain http of this machine", () => {
  const cases = [
    ["https://example.com/secret?x=1#tag", "https://example.com/secret?x=1"],
    ["ssconf://example.com/secret#My%20VPN", "https://example.com/secret"],
    ["SSCONF://example.com:8443/a", "https://example.com:8443/a"],
    ["http://127.0.0.1:80/a", "http://127.0.0.1/a"],
    ["http://127.9.9.9/a", "http://127.9.9.9/a"],
    ["http://[::1]:8080/a", "http://[::1]:8080/a"],
  ] as const;
  for (const [text, url] of cases) {
    assert.ok(isOnlineUrl(text));
    assert.equal(parseOnlineUrl(text).href, url);
  }
  assert.ok(!isOnlineUrl("ss://YTpi@h:1"));
});

test("parseOnlineUrl() refuses plain http elsewhere, and passwords", () => {
  const cases = [
    ["http://example.com/secret", /http:\/\/example\.com is not https/],
    ["http://localhost/secret", /not https/],
    ["http://128.0.0.1/secret", /not https/],
    ["http://[::2]/secret", /not https/],
    ["http://127.0.0.1.example.com/secret", /not https/],
    ["https://user:secret@example.com/", /user or a password/],
    ["https://", /not a URL/],
  ] as const;
  for (const [text, why] of cases) {
    assert.throws(() => parseOnlineUrl(text), refused(why));
  }
});
