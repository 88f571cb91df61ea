/**
 * The configuration files that the two projects document, in their facts: each
 * loads, or is refused with the key that is not served.
 *
 * Sources: shadowsocks-libev b2a0c545 (README.md, doc/, debian/config.json,
 * tests/*.json), shadowsocks-rust 6b96a84b (README.md, examples/, debian/),
 * SIP008.
 */
// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type Configured,
  configureLocal,
  configureServer,
  configureTunnel,
} from "../../../src/cli/config/config.ts";
import { ConfigError } from "../../../src/errors.ts";
import type {
  ConfiguredLocal,
  ConfiguredServer,
} from "../../../src/cli/config/config.ts";
import { sourcesOf } from "../../support/sources.ts";

/** A key of 32 bytes. */
const KEY = "A".repeat(43) + "=";
const USER_KEY = "B".repeat(42) + "A=";

const AUTH = { users: [{ user_name: "u", password: "p" }] };

function load(
  role: "server" | "local" | "tunnel",
  file: unknown,
): Configured<(ConfiguredLocal | ConfiguredServer)[]> {
  const configure = {
    server: configureServer,
    local: configureLocal,
    tunnel: configureTunnel,
  }[role];
  return configure(
    parseArguments(findCommand(role)!, ["-c", "f"]),
    sourcesOf(
      (path) =>
        typeof file === "string" && path === "f" ? file : JSON.stringify(
          path === "f" ? file : { password: AUTH, basic: AUTH },
        ),
      { variables: { PASSWORD_FROM_ENV: "x" } },
    ),
  );
}

/** Where the services of a file would listen. */
function ports(role: "server" | "local" | "tunnel", file: unknown): number[] {
  return load(role, file).result.map(({ listen }) => listen.port);
}

const LIBEV_DEBIAN = {
  server: ["::1", "127.0.0.1"],
  mode: "tcp_and_udp",
  server_port: 8388,
  local_port: 1080,
  password: "p!",
  timeout: 86400,
  method: "chacha20-ietf-poly1305",
};

const RUST_BASIC = {
  server: "127.0.0.1",
  server_port: 8388,
  local_port: 1080,
  local_address: "127.0.0.1",
  password: "p",
  timeout: 300,
  method: "aes-256-gcm",
};

test("libev: the packaged file serves both ends", () => {
  assert.deepEqual(ports("server", LIBEV_DEBIAN), [8388, 8388]);
  assert.deepEqual(ports("local", LIBEV_DEBIAN), [1080]);
  assert.deepEqual(load("server", LIBEV_DEBIAN).warnings, []);
});

test("libev: what the manual lists as key for every option", () => {
  const manual = {
    server: "some.example:1234",
    server_port: "1234",
    local_address: "0.0.0.0",
    local_port: "4321",
    password: "p",
    method: "aes-256-gcm",
    timeout: 60,
    no_delay: true,
    mode: "tcp_only",
    tunnel_address: "dns.example:53",
  };
  assert.deepEqual(ports("server", manual), [1234]);
  assert.deepEqual(ports("tunnel", manual), [4321]);
  assert.deepEqual(load("tunnel", manual).warnings, []);
  const tuned = {
    ...manual,
    fast_open: true,
    reuse_port: true,
    ipv6_first: true,
    nofile: 4096,
    nameserver: "8.8.8.8",
  };
  const { warnings } = load("server", tuned);
  assert.deepEqual(
    warnings.map((line) => /^ignored: f:1:\d+: (\w+): /.exec(line)?.[1]),
    ["nofile", "nameserver", "fast_open"],
  );
});

test("libev: the manager's port_password is a server for each port", () => {
  const file = {
    server: ["::1", "127.0.0.1"],
    port_password: { 8381: "a", 8382: "b", 8383: "c" },
    timeout: 300,
    method: "aes-256-gcm",
  };
  const all = [8381, 8382, 8383];
  assert.deepEqual(ports("server", file), [...all, ...all]);
  assert.deepEqual(ports("server", { ...file, server: undefined }), all);
  assert.throws(
    () => load("server", { ...file, port_password: { x: "secret" } }),
    /^ConfigError: f:1:\d+: port_password\.x: expected a port from 1 to 65535$/,
  );
  for (const port_password of [{ 8381: ["secret"] }, { 8381: "" }]) {
    assert.throws(
      () => load("server", { ...file, port_password }),
      /^ConfigError: f:1:\d+: port_password\.8381 has a wrong value, expected t/,
    );
  }
});

test("a port of port_password takes a name, limits and a quota", () => {
  const { result } = load("server", {
    server: "::",
    method: "aes-256-gcm",
    port_password: {
      8381: { password: "a", name: "ann", quota_bytes: "5 GB" },
      8382: { password: "b", max_hosts: 2 },
      8383: { password: "c" },
    },
  });
  const servers = result as ConfiguredServer[];
  assert.deepEqual(
    servers.map(({ listen, users = [], masterKey }) => [
      listen.port,
      ...users.map(({ name, limits }) => [name, limits]),
      masterKey !== undefined,
    ]),
    [
      [8381, ["ann", { quotaBytes: 5e9 }], false],
      [8382, ["port-8382", { maxHosts: 2 }], false],
      [8383, true],
    ],
  );
});

test("libev: a file of its tests, with a key of another project in it", () => {
  const { result, warnings } = load("local", {
    ...RUST_BASIC,
    local: "127.0.0.1",
    fast_open: false,
  });
  assert.equal(result.length, 1);
  assert.match(
    warnings.join(),
    /^ignored: f:1:\d+: local: the key is "local_address" in Umbra$/,
  );
});

test("rust: the basic file serves both ends", () => {
  assert.deepEqual(ports("server", RUST_BASIC), [8388]);
  assert.deepEqual(ports("local", RUST_BASIC), [1080]);
});

test("rust: several servers, one of them disabled, with comments", () => {
  const text = `{
    "servers": [
      { "server": "127.0.0.1", "server_port": 8388, "password": "a",
        "method": "aes-256-gcm", "timeout": 7200 },
      { "address": "127.0.0.1", "port": 8389, "password": "b", "id": "x",
        "name": "second", "method": "chacha20-ietf-poly1305" },
      { "disabled": true, "server": "eg.example", "server_port": 8390,
        "password": "c", "method": "chacha20-ietf-poly1305" }
    ],
    // For the local only
    "local_port": 1080,
    "local_address": "127.0.0.1"
  }`;
  assert.deepEqual(ports("server", text), [8388, 8389]);
  assert.equal(
    (load("local", text).result[0] as ConfiguredLocal).servers.length,
    2,
  );
});

test("rust: several locals", () => {
  const file = {
    servers: [{
      ...RUST_BASIC,
      local_port: undefined,
      local_address: undefined,
    }],
    locals: [
      { local_address: "127.0.0.1", local_port: 1080 },
      {
        local_port: 1081,
        protocol: "socks",
        mode: "tcp_and_udp",
        socks5_auth_config_path: "auth",
      },
      { local_port: 3128, protocol: "http", http_auth_config_path: "auth" },
      {
        local_port: 53,
        protocol: "tunnel",
        forward_address: "8.8.8.8",
        forward_port: 53,
      },
    ],
  };
  const { result, warnings } = load("local", file);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    (result as ConfiguredLocal[]).map(({ listen, users }) =>
      [listen.port, users?.[0]?.username] as const
    ),
    [[1080, undefined], [1081, "u"], [3128, "u"], [53, undefined]],
  );
});

test("rust: 2022 with users, and a password from the environment", () => {
  const file = {
    servers: [
      {
        server: "::",
        server_port: 8390,
        method: "2022-blake3-aes-256-gcm",
        password: KEY,
        users: [{ name: "username", password: USER_KEY }],
      },
      {
        server: "0.0.0.0",
        server_port: 8388,
        method: "chacha20-ietf-poly1305",
        password: "${PASSWORD_FROM_ENV}",
      },
    ],
  };
  assert.deepEqual(ports("server", file), [8390, 8388]);
  const chain = {
    ...RUST_BASIC,
    method: "2022-blake3-aes-256-gcm",
    password: `${KEY}:${USER_KEY}`,
  };
  assert.deepEqual(ports("local", chain), [1080]);
});

test("rust: settings that only tune are warned of, each by name", () => {
  const file = {
    ...RUST_BASIC,
    udp_timeout: 300,
    udp_max_associations: 512,
    dns: "google",
    dns_cache_size: 0,
    no_delay: false,
    keep_alive: 15,
    nofile: 10240,
    ipv6_first: false,
    ipv6_only: false,
    outbound_udp_allow_fragmentation: false,
    balancer: { max_server_rtt: 5, check_interval: 10 },
    log: { level: 1, writers: [] },
    security: { replay_attack: { policy: "reject" } },
    runtime: { mode: "multi_thread", worker_count: 10 },
  };
  const { warnings } = load("local", file);
  assert.deepEqual(
    warnings.map((line) => /^ignored: f:1:\d+: (\w+): /.exec(line)?.[1]),
    [
      ...["dns", "dns_cache_size", "nofile", "log"],
      ...["security", "runtime", "keep_alive"],
    ],
  );
});

test("rust and libev: what would change who connects, or how, is refused by name", () => {
  const refused: Readonly<Record<string, unknown>> = {
    user: "nobody",
    auth: true,
    manager_address: "127.0.0.1",
    outbound_fwmark: 255,
    outbound_user_cookie: 255,
    outbound_bind_interface: "eth1",
    outbound_proxy: ["socks5://127.0.0.1:1080"],
  };
  for (const [key, value] of Object.entries(refused)) {
    assert.throws(
      () => load("server", { ...RUST_BASIC, [key]: value }),
      (error) =>
        error instanceof ConfigError &&
        new RegExp(`^f:1:\\d+: ${key} is not supported.*: \\w`)
          .test(error.message),
      key,
    );
  }
});

test("rust: locals that are not served are refused by name", () => {
  const locals: readonly object[] = [
    { protocol: "tun", tun_interface_address: "10.255.0.1/24" },
    { protocol: "fake-dns", fake_dns_ipv4_network: "10.255.0.0/16" },
  ];
  for (const one of locals) {
    assert.throws(
      () => load("local", { ...RUST_BASIC, locals: [one] }),
      /locals\[0\]\.protocol is ".*", expected "mixed", .*--fake-ip/,
    );
  }
});

test("SIP008: a document serves as a file", () => {
  const document = {
    version: 1,
    servers: [{
      id: "27b8a625-4f4b-4428-9f0f-8a2317db7c79",
      remarks: "Name of the server",
      server: "example.com",
      server_port: 8388,
      password: "p",
      method: "chacha20-ietf-poly1305",
      plugin: "",
      plugin_opts: "",
    }],
    bytes_used: 274877906944,
    bytes_remaining: 824633720832,
  };
  assert.deepEqual(ports("local", document), [1080]);
  assert.deepEqual(load("local", document).warnings, []);
});
