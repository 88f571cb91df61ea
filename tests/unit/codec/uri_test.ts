import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatServerUri,
  parseServerUri,
  type ServerUri,
} from "../../../src/codec/uri.ts";
import { ConfigError } from "../../../src/errors.ts";

const KEY_32 = "YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI=";
const METHOD_2022 = "2022-blake3-aes-256-gcm";

/** Examples of SIP002, SIP022 and shadowsocks-rust. */
const EXAMPLES: readonly (readonly [uri: string, server: ServerUri])[] = [
  ["ss://YWVzLTEyOC1nY206dGVzdA@192.168.100.1:8888#Example1", {
    method: "aes-128-gcm",
    password: "test",
    host: "192.168.100.1",
    port: 8888,
    tag: "Example1",
  }],
  [
    "ss://cmM0LW1kNTpwYXNzd2Q@192.168.100.1:8888/" +
    "?plugin=obfs-local%3Bobfs%3Dhttp#Example2",
    {
      method: "rc4-md5",
      password: "passwd",
      host: "192.168.100.1",
      port: 8888,
      plugin: "obfs-local;obfs=http",
      tag: "Example2",
    },
  ],
  [
    `ss://${METHOD_2022}:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D` +
    "@192.168.100.1:8888#Example3",
    {
      method: METHOD_2022,
      password: KEY_32,
      host: "192.168.100.1",
      port: 8888,
      tag: "Example3",
    },
  ],
  [
    `ss://${METHOD_2022}:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D` +
    "@192.168.100.1:8888/?plugin=v2ray-plugin%3Bserver#Example3",
    {
      method: METHOD_2022,
      password: KEY_32,
      host: "192.168.100.1",
      port: 8888,
      plugin: "v2ray-plugin;server",
      tag: "Example3",
    },
  ],
  [
    "ss://2022-blake3-aes-128-gcm:5mOQSa20Kt6ay2LXruBoHQ%3D%3D" +
    "@example.com:443/#name",
    {
      method: "2022-blake3-aes-128-gcm",
      password: "5mOQSa20Kt6ay2LXruBoHQ==",
      host: "example.com",
      port: 443,
      tag: "name",
    },
  ],
  [
    `ss://${METHOD_2022}:t7XRzLCvgsH4r4r669cyqPnVNFG2c%2FHC5Tt%2BMjINJB0%3D` +
    "@[2001:db8:1f74:3c86:aef9:a75:5d2a:425e]:20220/#name",
    {
      method: METHOD_2022,
      password: "t7XRzLCvgsH4r4r669cyqPnVNFG2c/HC5Tt+MjINJB0=",
      host: "2001:db8:1f74:3c86:aef9:a75:5d2a:425e",
      port: 20220,
      tag: "name",
    },
  ],
  [
    "ss://YWVzLTI1Ni1nY206cGFzc3dvcmQ@127.0.0.1:8388/" +
    "?plugin=v2ray-plugin%3Bserver%3Btls%3Bhost%3Dgithub.com",
    {
      method: "aes-256-gcm",
      password: "password",
      host: "127.0.0.1",
      port: 8388,
      plugin: "v2ray-plugin;server;tls;host=github.com",
    },
  ],
  [
    "ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTp0ZXN0LyFAIzpAMTkyLjE2OC4xMDAuMTo4ODg4" +
    "#example-server",
    {
      method: "chacha20-ietf-poly1305",
      password: "test/!@#:",
      host: "192.168.100.1",
      port: 8888,
      tag: "example-server",
    },
  ],
];

for (const [uri, server] of EXAMPLES) {
  test(`parseServerUri() reads the published example ${uri}`, () => {
    assert.deepEqual(parseServerUri(uri), server);
    assert.deepEqual(parseServerUri(formatServerUri(server)), server);
  });
}

test("parseServerUri() takes padding, both alphabets and percent signs", () => {
  // "aes-256-gcm:>>>???" has + and / in standard base64.
  for (
    const userInfo of [
      "YWVzLTI1Ni1nY206Pj4+Pz8/",
      "YWVzLTI1Ni1nY206Pj4-Pz8_",
      "YWVzLTI1Ni1nY206Pj4%2BPz8%2F",
    ]
  ) {
    assert.equal(parseServerUri(`ss://${userInfo}@h:1`).password, ">>>???");
  }
  assert.equal(parseServerUri("ss://YTpiYw==@h:1").password, "bc");
});

test("parseServerUri() reads the older form, with IPv6, padding and a query", () => {
  const server = { method: "a", password: "b@c:d", host: "::1", port: 80 };
  const text = btoa("a:b@c:d@[::1]:80");
  assert.ok(text.endsWith("="));
  for (
    const written of [text, text.replace(/=+$/, ""), encodeURIComponent(text)]
  ) {
    assert.deepEqual(parseServerUri(`ss://${written}`), server);
  }
  assert.deepEqual(
    parseServerUri(`ss://${text}?plugin=p%3Bpath%3D%2Fa%5C%3Bb#\u{1F680} x`),
    { ...server, plugin: "p;path=/a\\;b", tag: "\u{1F680} x" },
  );
});

test("parseServerUri() reads keys of 2022 in every form", () => {
  const chain = "5mOQSa20Kt6ay2LXruBoHQ==:w/8+Kt6ay2LXruBoHQAAAA==";
  const method = "2022-blake3-aes-128-gcm";
  for (
    const userInfo of [
      `${method}:${encodeURIComponent(chain)}`,
      `${method}:${chain}`,
      btoa(`${method}:${chain}`),
      encodeURIComponent(btoa(`${method}:${chain}`)),
    ]
  ) {
    const server = parseServerUri(
      `ss://${userInfo}@example.com:443/?type=tcp#x`,
    );
    assert.equal(server.method, method);
    assert.equal(server.password, chain);
    assert.deepEqual(server.extra, [["type", "tcp"]]);
  }
});

test("parseServerUri() assumes port 8388, when there is none", () => {
  assert.equal(parseServerUri("ss://YTpi@example.com").port, 8388);
  assert.equal(parseServerUri("ss://YTpi@[::1]/").port, 8388);
});

test("parseServerUri() splits at the first colon, when there are several", () => {
  const server = parseServerUri("SS://a:b%3Ac:d@h:65535");
  assert.deepEqual(server, {
    method: "a",
    password: "b:c:d",
    host: "h",
    port: 65535,
  });
});

test("parseServerUri() keeps query parameters it does not know", () => {
  const server = parseServerUri(
    "ss://YTpi@h:1?outline=1&other=%16%03=x&plugin=",
  );
  assert.deepEqual(server.extra, [["outline", "1"], ["other", "\x16\x03=x"]]);
  assert.equal(server.plugin, undefined);
  assert.deepEqual(parseServerUri(formatServerUri(server)), server);
});

test("parseServerUri() shows of the tag what can be shown, and never refuses it", () => {
  const tags: readonly (readonly [written: string, tag: string | undefined])[] =
    [
      ["50% off", "50% off"],
      ["caf%C3%A9 %ff%", "caf\u00e9 %ff%"],
      ["%E2%82", "%E2%82"],
      ["a%0Ab%00c", "a b c"],
      ["\u202eevil\u202c", "evil"],
      ["a\ud800b", "a\ufffdb"],
      ["%20%0A", undefined],
      ["\u3164", undefined],
    ];
  for (const [written, tag] of tags) {
    const server = parseServerUri(`ss://YTpi@h:1#${written}`);
    assert.equal(server.tag, tag, written);
    assert.deepEqual(parseServerUri(formatServerUri(server)), server);
  }
});

test("parseServerUri() takes a link whose unused parameters are broken", () => {
  const server = parseServerUri("ss://YTpi@h:1/?%ff=%e2%82&x=50%&plugin=p#t");
  assert.equal(server.plugin, "p");
  assert.deepEqual(server.extra, [["%ff", "%e2%82"], ["x", "50%"]]);
  assert.deepEqual(parseServerUri(formatServerUri(server)), server);
});

test("formatServerUri() writes base64url, but not for 2022 methods", () => {
  const server = {
    method: "aes-256-gcm",
    password: ">?",
    host: "::1",
    port: 1,
  };
  assert.equal(
    formatServerUri({ ...server, tag: "ä b" }),
    "ss://YWVzLTI1Ni1nY206Pj8@[::1]:1#%C3%A4%20b",
  );
  assert.equal(
    formatServerUri({ ...server, method: METHOD_2022, password: "a+/=:b" }),
    `ss://${METHOD_2022}:a%2B%2F%3D%3Ab@[::1]:1`,
  );
});

test("formatServerUri() is undone by parseServerUri(), for odd passwords", () => {
  for (
    const password of ["ü €𝄞", "a:b@c/d?e#f%20", " ", "\uFEFFx", "x\u0000"]
  ) {
    for (const method of ["aes-128-gcm", METHOD_2022]) {
      const server = { method, password, host: "example.com", port: 65535 };
      assert.deepEqual(parseServerUri(formatServerUri(server)), server);
    }
  }
});

const BAD: readonly (readonly [uri: string, why: RegExp])[] = [
  ["http://example.com", /does not start with ss:/],
  ["ss://", /base64/],
  ["ss://!!!!@h:1", /neither/],
  ["ss://YTpi", /names no server/],
  ["ss://YWJj@h:1", /METHOD:PASSWORD/],
  ["ss://:secret@h:1", /METHOD:PASSWORD/],
  ["ss://method:@h:1", /METHOD:PASSWORD/],
  ["ss://a:secret%zz@h:1", /the password is not percent-encoded/],
  ["ss://YTr_@h:1", /UTF-8/],
  ["ss://YTpi@:1", /HOST:PORT/],
  ["ss://YTpi@2001:db8::1:80", /brackets/],
  ["ss://YTpi@h:0", /port 0/],
  ["ss://YTpi@h:65536", /port 65536/],
  ["ss://YTpi@h:x", /HOST:PORT/],
  ["ss://a%3Asecret:b@h:1", /the method is empty or has a colon/],
  ["ss://a:secret\ud800@h:1", /the password is not well-formed/],
  ["ss://YTpi@[1.2%eth0]:1", /HOST:PORT/],
  ["ss://YTpi@h\u202e:1", /HOST:PORT/],
  ["ss://YTpi@h\ud800:1", /HOST:PORT/],
  ["ss://YTpi@h:1?plugin=%ff", /the plugin is not percent-encoded/],
  ["ss://YTpi@h:1?plugin=\ud800", /the plugin is not well-formed/],
];

for (const [uri, why] of BAD) {
  test(`parseServerUri() refuses ${uri}`, () => {
    assert.throws(() => parseServerUri(uri), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.code, "ERR_SS_URI_INVALID");
      assert.match(error.message, why);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  });
}

test("formatServerUri() refuses what it could not read back", () => {
  const server = { method: "a", password: "b", host: "h", port: 1 };
  for (
    const change of [
      { method: "" },
      { method: "a:b" },
      { password: "" },
      { host: "a b" },
      { host: "" },
      { port: 0 },
      { method: "a\ud800" },
      { password: "\udc00b" },
      { host: "h\u202e" },
      { plugin: "p\ud800" },
      { extra: [["a", "\ud800"]] as const },
    ]
  ) {
    assert.throws(() => formatServerUri({ ...server, ...change }), ConfigError);
  }
});
