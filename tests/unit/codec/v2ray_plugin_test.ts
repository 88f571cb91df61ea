import assert from "node:assert/strict";
import { test } from "node:test";
import {
  isV2rayPlugin,
  toV2rayPlugin,
  v2rayWebSocket,
} from "../../../src/codec/v2ray_plugin.ts";
import type { WebSocketTransport } from "../../../src/codec/websocket_transport.ts";

function socket(
  url: Partial<WebSocketTransport["url"]> = {},
): WebSocketTransport {
  const host = url.host ?? "cloudfront.com";
  return {
    type: "websocket",
    url: { isTls: false, host, port: 443, path: "/", ...url },
    closeDelayMs: 5_000,
    headers: [["Host", host]],
  };
}

for (
  const [options, expected] of [
    ["mux=0", socket()],
    ["mux=0;tls;host=example.com;path=/a", {
      ...socket({ isTls: true, host: "example.com", path: "/a" }),
    }],
    ["tls;mode=websocket;path=a;mux=0", socket({ isTls: true, path: "/a" })],
    ["mux=0;path=/a\\;b\\=c\\\\d?e=f", socket({ path: "/a;b=c\\d?e=f" })],
    ["mux=0;loglevel=none;fast-open", socket()],
  ] as const
) {
  test(`v2rayWebSocket() reads ${options}`, () => {
    assert.deepEqual(v2rayWebSocket(options, 443), expected);
    const written = toV2rayPlugin(expected)!;
    const [, rest = ""] = /^v2ray-plugin;(.*)$/.exec(written)!;
    assert.deepEqual(v2rayWebSocket(rest, 443), expected);
  });
}

for (
  const [options, why] of [
    ["", /multiplexing: install v2ray-plugin, or set mux=0 on both sides/],
    ["tls;host=example.com", /multiplexing/],
    ["mux=1", /multiplexing/],
    ["mux=00", /multiplexing/],
    ["mode=quic;mux=0", /mode=quic requires the program itself/],
    ["mux=0;cert=/etc/ssl/a.pem;tls", /"cert" requires the program itself/],
    ["server;mux=0", /"server" requires the program itself/],
    ["mux=0;host=a\r\nb", /"host" is not a host name/],
    ["mux=0;path=/a b", /"path" is not a path/],
  ] as const
) {
  test(`v2rayWebSocket() leaves ${JSON.stringify(options)} to the program`, () => {
    const reason = v2rayWebSocket(options, 443);
    assert.match(String(reason), why);
  });
}

test("isV2rayPlugin() knows the program by its names", () => {
  for (
    const name of [
      "v2ray-plugin",
      "ss-v2ray-plugin",
      "/usr/bin/v2ray-plugin",
      "C:\\p\\v2ray-plugin.exe",
    ]
  ) {
    assert.ok(isV2rayPlugin(name), name);
  }
  for (const name of ["xray-plugin", "v2ray-plugin2", "my-v2ray-plugin", ""]) {
    assert.ok(!isV2rayPlugin(name), name);
  }
});

test("toV2rayPlugin() writes nothing that the program could not do", () => {
  const { url } = socket();
  assert.equal(toV2rayPlugin({ ...socket(), udpUrl: url }), undefined);
  const headers = [["User-Agent", "a"]] as const;
  assert.equal(toV2rayPlugin({ ...socket(), headers }), undefined);
});
