// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import type { Sources } from "../../../src/cli/config/secrets.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { UpstreamServer } from "../../../src/service/outbound/shadowsocks.ts";
import { utf8 } from "../../support/bytes.ts";
import { sourcesOf } from "../../support/sources.ts";

const KEYS = { method: "chacha20-ietf-poly1305", password: "x" };
const URL = "wss://example.com/secret/tcp";

/** Programs that are found in PATH. */
function sources(file: object, programs: readonly string[] = []): Sources {
  return {
    ...sourcesOf(() => JSON.stringify(file)),
    programs: {
      find: (name) => programs.includes(name) ? `/usr/bin/${name}` : undefined,
      refusal: () => undefined,
      environment: () => ({}),
    },
  };
}

function upstreams(
  entry: object,
  programs?: readonly string[],
): readonly UpstreamServer[] {
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const file = { servers: [{ ...KEYS, ...entry }] };
  return configureLocal(args, sources(file, programs)).result[0]!.servers;
}

function websocket(
  object: object,
  mode = "tcp_and_udp",
): ReturnType<typeof configureServer> {
  const args = parseArguments(findCommand("server")!, ["-c", "f"]);
  const server = { server: "127.0.0.1", server_port: 1, mode, ...KEYS };
  return configureServer(args, sources({ ...server, websocket: object }));
}

function refuses(work: () => unknown, message: RegExp): void {
  assert.throws(work, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
}

test("a server inside a WebSocket is where its URL is, unless it is named", () => {
  const transport = { type: "websocket", url: URL };
  const [server] = upstreams({ transport });
  assert.deepEqual(server!.endpoint, { host: "example.com", port: 443 });
  assert.deepEqual(server!.transport, {
    type: "websocket",
    url: { isTls: true, host: "example.com", port: 443, path: "/secret/tcp" },
  });
  assert.equal(server!.udpWeight, 0);
  const [fronted] = upstreams({
    ...{ server: "192.0.2.1", server_port: 8443 },
    transport: {
      ...transport,
      udp_url: "ws://example.com:81/u?a",
      headers: { Host: "a" },
    },
  });
  assert.deepEqual(fronted!.endpoint, { host: "192.0.2.1", port: 8443 });
  assert.deepEqual(fronted!.transport?.udpUrl, {
    ...{ isTls: false, host: "example.com", port: 81, path: "/u?a" },
  });
  assert.deepEqual(fronted!.transport?.headers, [["Host", "a"]]);
  assert.equal(fronted!.udpWeight, undefined);
});

test("a transport that cannot be is refused, and its path is not shown", () => {
  for (
    const [transport, message] of [
      [{ url: URL }, /servers\[0\]\.transport\.type is missing/],
      [
        { type: "quic", url: URL },
        /transport\.type is "quic", expected "websocket"/,
      ],
      [{ type: "websocket" }, /transport\.url is missing, expected wss:/],
      [
        { type: "websocket", url: "https://h/secret" },
        /transport\.url has a wrong value/,
      ],
      [
        { type: "websocket", url: "wss://a:b@h/secret" },
        /transport\.url has a wrong/,
      ],
      [
        { type: "websocket", url: "wss://h/secret#a" },
        /transport\.url has a wrong/,
      ],
      [
        { type: "websocket", url: URL, headers: { Upgrade: "secret" } },
        /headers has a wrong/,
      ],
      [
        { type: "websocket", url: URL, headers: { A: "secret\r\nB: c" } },
        /headers has a wrong/,
      ],
    ] as const
  ) refuses(() => upstreams({ transport }), message);
});

test("a server takes WebSockets at its configured address", () => {
  const { result: [server] } = websocket({
    listen: "127.0.0.1:8000",
    tcp_path: "/secret/tcp",
    udp_path: "/secret/udp",
    close_delay: 2,
    trusted_proxies: ["127.0.0.0/8", "::1"],
  });
  const { trustedProxies = [], ...rest } = server!.websocket ?? {};
  assert.deepEqual(rest, {
    listen: { host: "127.0.0.1", port: 8000 },
    tcpPath: "/secret/tcp",
    udpPath: "/secret/udp",
    closeDelayMs: 2_000,
  });
  assert.deepEqual(trustedProxies.map(({ bits }) => bits), [8, 128]);
});

test("WebSockets of a server that cannot be are refused", () => {
  const listen = "127.0.0.1:8000";
  for (
    const [object, message] of [
      [{ tcp_path: "/secret" }, /websocket\.listen is missing/],
      [{ listen }, /websocket\.tcp_path is missing/],
      [{ listen, tcp_path: "secret" }, /tcp_path has a wrong value/],
      [
        { listen, tcp_path: "/secret", udp_path: "/secret" },
        /udp_path has a wrong value, expected a path that differs/,
      ],
      [
        { listen, tcp_path: "/secret", trusted_proxies: "a" },
        /trusted_proxies is "a"/,
      ],
    ] as const
  ) refuses(() => websocket(object), message);
  refuses(
    () => websocket({ listen, udp_path: "/secret" }, "tcp_only"),
    /websocket\.udp_path needs "mode": "tcp_and_udp"/,
  );
  refuses(
    () => websocket({ listen, tcp_path: "/secret" }, "udp_only"),
    /websocket\.tcp_path needs/,
  );
});

test("v2ray-plugin is done without where its program is not there", () => {
  const entry = {
    ...{ server: "192.0.2.1", server_port: 443, plugin: "v2ray-plugin" },
    plugin_opts: "mux=0;tls;host=example.com;path=/secret",
  };
  const [native] = upstreams(entry);
  assert.equal(native!.plugin, undefined);
  assert.deepEqual(native!.transport?.url, {
    ...{ isTls: true, host: "example.com", port: 443, path: "/secret" },
  });
  const [program] = upstreams(entry, ["ss-v2ray-plugin"]);
  assert.equal(program!.transport, undefined);
  assert.equal(program!.plugin?.path, "/usr/bin/ss-v2ray-plugin");
  refuses(
    () => upstreams({ ...entry, plugin_opts: "tls;path=/secret" }),
    /plugin "v2ray-plugin": this server expects v2ray's multiplexing: install/,
  );
  refuses(
    () => upstreams({ ...entry, transport: { type: "websocket", url: URL } }),
    /"transport" and "plugin" exclude each other: give one/,
  );
});

test("a prefix is read from a file, and written back by umbra url", () => {
  const prefix = "\u0016\u0003\u0001\u00c2";
  const entry = { server: "192.0.2.1", server_port: 1, prefix };
  const [server] = upstreams(entry);
  assert.deepEqual(server!.saltPrefix, Uint8Array.of(0x16, 3, 1, 0xc2));
  assert.equal(server!.packetSaltPrefix, undefined);
  const args = parseArguments(findCommand("url")!, ["-c", "f"]);
  const file = sources({ servers: [{ ...KEYS, ...entry }] });
  const { result: [uri] } = configureUrls(args, file);
  assert.match(uri!, /\?prefix=%16%03%01%C3%82/);
  refuses(
    () => upstreams({ ...entry, prefix: "x".repeat(25) }),
    /prefix: got 25 bytes, this method allows 24 of 32/,
  );
});

test("a short rest of a salt is warned of, once", () => {
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const { result, warnings } = configureLocal(
    args,
    sources({
      ...{ server: "192.0.2.1", server_port: 1, password: "x" },
      ...{ method: "aes-128-gcm", prefix: "POST " },
    }),
  );
  assert.deepEqual(result[0]!.servers[0]!.saltPrefix, utf8("POST "));
  assert.equal(warnings.filter((one) => /11 random bytes/.test(one)).length, 1);
});
