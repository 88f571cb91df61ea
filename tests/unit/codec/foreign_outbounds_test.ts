import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isClash,
  isSingBox,
  readClash,
  readSingBox,
  toClash,
  toSingBox,
} from "../../../src/codec/foreign_outbounds.ts";
import { ConfigError } from "../../../src/errors.ts";

const CLASH = `port: 7890
proxies:
  - {name: "a b", type: ss, server: 192.0.2.1, port: 8388, cipher: aes-256-cfb, password: 'p''w', udp: true}
  # a comment
  - name: ssr one   # and another
    type: ssr
    server: "2001:db8::1"
    port: "443"
    cipher: chacha20-ietf
    password: "a\\"b\\x41\\u00e9"
    obfs: tls1.2_ticket_auth
    obfs-param: example.com
    protocol: auth_aes128_md5
    protocol-param: "1001:pw"
  - name: v
    type: vmess
    ws-opts:
      path: /
  - name: with a plugin
    type: ss
    server: h
    port: 1
    cipher: c
    password: p
    plugin: obfs
    plugin-opts: {mode: [tls, {x: y}]}
proxy-groups:
  - name: x
    type: ss
`;

const SERVERS = [
  {
    host: "192.0.2.1",
    port: 8388,
    method: "aes-256-cfb",
    password: "p'w",
    tag: "a b",
  },
  {
    host: "2001:db8::1",
    port: 443,
    tag: "ssr one",
    ssr: {
      host: "2001:db8::1",
      port: 443,
      method: "chacha20-ietf",
      password: 'a"bA\u00e9',
      tag: "ssr one",
      protocol: "auth_aes128_md5",
      obfs: "tls1.2_ticket_auth",
      protocolParam: "1001:pw",
      obfsParam: "example.com",
    },
  },
];

test("proxies of Clash are read in block and in flow style", () => {
  assert.ok(isClash(CLASH));
  const { servers, warnings } = readClash(CLASH);
  assert.deepEqual(servers, SERVERS);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /entry 3 \(v\) is left out: it is neither/);
  assert.match(warnings[1]!, /entry 4 .*plugin/);
  const flow = `proxies: [${
    JSON.stringify({
      ...{ name: "a b", type: "ss", server: "192.0.2.1", port: 8388 },
      ...{ cipher: "aes-256-cfb", password: "p'w" },
    })
  },
  ]`;
  assert.deepEqual(readClash(flow).servers, [SERVERS[0]]);
});

test("proxies of Clash are written so that they are read back equal", () => {
  const text = `proxies:\n${SERVERS.map(toClash).join("")}`;
  assert.deepEqual(readClash(text), { servers: SERVERS, warnings: [] });
});

test("what is no list of proxies is refused, and nothing of it is quoted", () => {
  for (
    const text of [
      "proxies:",
      "proxies: secret",
      "proxies:\n  - secret",
      "proxies: [{a: secret",
      "proxies:\n  - name: a, type: ss, server: h, password: secret}",
      "proxies: [{name: a type: b password: secret}]",
      `proxies: [{a: ${"[".repeat(99)}`,
      "proxies:\n  - {type: ss, server: h, port: 0, cipher: secret, password: secret}",
    ]
  ) {
    assert.throws(() => readClash(text), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.equal(error.code, "ERR_ONLINE_CONFIG");
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

test("outbounds of sing-box are read, all or one, and written", () => {
  const [server] = SERVERS;
  const outbound = toSingBox(server!);
  assert.equal(outbound["type"], "shadowsocks");
  for (
    const document of [outbound, { outbounds: [{ type: "direct" }, outbound] }]
  ) {
    assert.ok(isSingBox(document));
    assert.deepEqual(readSingBox(document).servers, [server]);
  }
  assert.ok(!isSingBox({ server: "h", server_port: 1 }));
  assert.throws(() => toSingBox(SERVERS[1]!), /ShadowsocksR/);
  const old = {
    ...{ type: "shadowsocksr", tag: "ssr one", server: "2001:db8::1" },
    ...{ server_port: 443, method: "chacha20-ietf" },
    ...{ password: 'a"bA\u00e9', protocol: "auth_aes128_md5" },
    ...{ protocol_param: "1001:pw", obfs: "tls1.2_ticket_auth" },
    "obfs_param": "example.com",
  };
  assert.deepEqual(readSingBox(old).servers, [SERVERS[1]]);
});
