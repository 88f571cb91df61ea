// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import {
  type ConfigReport,
  describeConfig,
} from "../../../src/cli/config/check_config.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

const SERVER = {
  server_port: 8388,
  password: "secret-server",
  method: "chacha20-ietf-poly1305",
};
const LOCAL = {
  server: "192.0.2.1",
  server_port: 1,
  password: "secret",
  method: "chacha20-ietf-poly1305",
};

function report(file: object, ...options: string[]): ConfigReport {
  const args = parseArguments(
    findCommand("check")!,
    ["config", "f", ...options],
  );
  const report = describeConfig(
    "f",
    args,
    sourcesOf((path) => path === "f" ? JSON.stringify(file) : "secret-token"),
  );
  assert.doesNotMatch(report.text, /secret/);
  return report;
}

/** What is said of a file that is right. */
function check(file: object, ...options: string[]): string {
  const { text, isFit } = report(file, ...options);
  assert.ok(isFit, text);
  return text;
}

function roleOf(file: object, ...options: string[]): string {
  return /^f: a configuration of umbra (\w+)\n/.exec(
    check(file, ...options),
  )![1]!;
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

test("describeConfig() tells every server, user, limit and default", () => {
  const text = check({
    ...SERVER,
    method: "aes-256-gcm",
    mode: "tcp_and_udp",
    timeout: 60,
    users: [
      {
        name: "alice",
        password: "secret-a",
        quota_bytes: "50 GB",
        bytes_per_second: "10 Mbit/s",
        max_hosts: 3,
        expires: "2027-01-31",
      },
      {
        name: "bob",
        password: "secret-b",
        disabled: true,
        quota_bytes: "10 GiB",
      },
      { name: "carol", password: "secret-c", remark: "x" },
    ],
    allow_private: "10.0.0.0/8",
    admin: "127.0.0.1:9000",
    admin_token_file: "token",
    store: "/var/lib/umbra.db",
    max_connections_per_host: 20,
  });
  assert.equal(
    text,
    `f: a configuration of umbra server

ss-server 0.0.0.0:8388
  method   aes-256-gcm
  clients  the server's password, 3 users
           alice: 46.6 GiB in all, 10.0 Mbit/s each way, 3 devices, until 2027-01-31T00:00:00.000Z
           bob: disabled, 10.0 GiB in all
           carol
  targets  public addresses, 10.0.0.0/8
  serves   TCP and UDP
  TCP      at most 16384 connections, closed after 60 s without a byte
           at most 20 from one address
  UDP      at most 1024 clients, forgotten after 300 s without a datagram

Program
  admin    127.0.0.1:9000, with a token
  manager  off
  store    /var/lib/umbra.db
  log      text, targets: hashed

Ignored
  f:1:${/(\d+): users/.exec(text)?.[1]}: users[2].remark is unknown and ignored

0 to change, 1 ignored, 23 as they were
`,
  );
});

test("describeConfig() tells every local, and the servers in their order", () => {
  const text = check({
    ...LOCAL,
    server: ["192.0.2.1", "192.0.2.2:2"],
    mode: "udp_only",
    locals: [
      { local_port: 1080, mode: "tcp_only" },
      {
        local_port: 53,
        protocol: "tunnel",
        forward_address: "192.0.2.53",
        forward_port: 53,
      },
    ],
    log_privacy: "none",
  });
  assert.equal(
    text,
    `f: a configuration of umbra local

ss-local 127.0.0.1:1080
  speaks  SOCKS4/5 and HTTP
  server  192.0.2.1:1, chacha20-ietf-poly1305
          192.0.2.2:2, chacha20-ietf-poly1305
  serves  TCP
  TCP     at most 16384 connections, closed after 300 s without a byte

ss-tunnel 127.0.0.1:53
  speaks  to 192.0.2.53:53
  server  192.0.2.1:1, chacha20-ietf-poly1305
          192.0.2.2:2, chacha20-ietf-poly1305
  serves  UDP
  UDP     at most 1024 clients, forgotten after 300 s without a datagram

Program
  admin  off
  log    text, targets: none

0 to change, 0 ignored, 13 as they were
`,
  );
});

test("describeConfig() tells what the log says of targets, unless told", () => {
  assert.match(check(SERVER), /targets: hashed$/m);
  assert.match(check(LOCAL, "--role", "local"), /targets: full$/m);
});

test("describeConfig() tells of one user, and of the host in URIs", () => {
  const users = [{ name: "ann", password: "secret-a" }];
  const text = check({ ...SERVER, users, public_host: "vpn.example" });
  assert.match(text, /clients .*, 1 user$/m);
  assert.match(text, /URIs +with vpn\.example$/m);
});

test("describeConfig() knows the role by the content", () => {
  assert.equal(roleOf(SERVER), "server");
  assert.equal(roleOf({ ...SERVER, server: ["::", "0.0.0.0"] }), "server");
  assert.equal(roleOf({ ...SERVER, local_port: 1080 }), "server");
  assert.equal(roleOf({ ...LOCAL, allow_private: "all" }), "server");
  assert.equal(
    roleOf({ ...LOCAL, port_password: { 1: "secret" } }),
    "server",
  );
  assert.equal(roleOf({ ...LOCAL, local_port: 1080 }), "local");
  assert.equal(roleOf({ ...LOCAL, locals: [] }), "local");
  assert.equal(roleOf({ ...LOCAL, tunnel_address: "a:1" }), "tunnel");
});

test("describeConfig() asks for --role, where the content does not tell", () => {
  const message = /^f: .*give --role server, local or tunnel$/;
  refuses(() => check(LOCAL), message);
  refuses(() => check({ ...LOCAL, locals: [], store: "x" }), message);
  assert.equal(roleOf(LOCAL, "--role", "local"), "local");
  assert.equal(roleOf(LOCAL, "--role", "server"), "server");
  refuses(
    () => check(LOCAL, "--role", "both"),
    /--role: expected server, local or tunnel/,
  );
});

test("describeConfig() fails as the start would", () => {
  const { text, isFit } = report({ ...SERVER, mode: "x" });
  assert.match(text, /^To change\n {2}f:1:\d+: mode is "x"/m);
  assert.match(report({}).text, /^To change\n {2}.*no server port/m);
  assert.deepEqual([isFit, report({}).isFit], [false, false]);
});

test("describeConfig() tells every mistake at once, in every object", () => {
  const { text, isFit } = report({
    server_port: 70_000,
    metod: "aes-256-gcm",
    password: "secret-server",
    mode: "both",
    nameserver: "192.0.2.1",
    plugin: 7,
    users: [
      { name: "a", password: "secret-a", quota_bytes: "much" },
      { name: "b", password: "secret-b", quota_byte: 1 },
    ],
    servers: [{ server: "::", server_port: 1, method: "aes-257-gcm" }],
    locals: [{ local_port: -1 }],
    balancer: { policy: "best" },
    colour: "x",
    _comment: "x",
  });
  assert.equal(isFit, false);
  for (
    const told of [
      "server_port is 70000",
      "metod is unknown; did you mean",
      'mode is "both"',
      "plugin is 7, expected text",
      'users[0].quota_bytes is "much"',
      "users[1].quota_byte is unknown; did you mean",
      'servers[0].method: Unknown method "aes-257-gcm"',
      "locals[0].local_port is -1",
      'balancer.policy is "best"',
    ]
  ) assert.ok(text.includes(told), `${told}\n${text}`);
  assert.match(
    text,
    /^Ignored\n {2}ignored: .*nameserver: .*\n {2}.*colour is unknown/m,
  );
  assert.match(text, /\n9 to change, 2 ignored, \d+ as they were\n$/);
});

test("describeConfig() says what a file is that is none of ours, and what to do", () => {
  const args = parseArguments(findCommand("check")!, ["config", "f"]);
  for (
    const [text, ...told] of [
      ["<!DOCTYPE html><html>", "HTML page", "download the file itself"],
      ["\uFEFF\n <html lang=en>", "HTML page"],
      ["ss://YWVzLTI1Ni1nY206c2VjcmV0@h:1", "a link", "umbra local"],
      ["ssr://c2VjcmV0", "a link", "umbra convert"],
      ["vmess://c2VjcmV0", "another protocol", "ask for an ss:// link"],
      ["vless://secret@h:1\n", "another protocol"],
      ["trojan://secret@h:1", "another protocol"],
      [btoa("ss://YWVzLTI1Ni1nY206c2VjcmV0@h:1\n"), "a subscription"],
      ["proxies:\n  - {name: secret}", "of Clash", "umbra convert"],
      ['{"outbounds": [{"type": "shadowsocks"}]}', "of sing-box", "convert"],
      ['{"inbounds": [{"type": "shadowsocks"}]}', "of sing-box"],
      ['{"inbounds": [], "outbounds": [{"protocol": "vmess"}]}', "of V2Ray"],
      ['{"accessKeys": [{"password": "secret"}]}', "Outline", "umbra migrate"],
      ["keys:\n- id: secret\n", "outline-ss-server", "umbra migrate"],
    ]
  ) {
    assert.throws(
      () => describeConfig("f", args, sourcesOf(() => text!)),
      (error: Error) => {
        assert.ok(error instanceof ConfigError);
        for (const one of told) assert.ok(error.message.includes(one), one);
        assert.doesNotMatch(error.message, /secret|c2VjcmV0/);
        return true;
      },
    );
  }
});
