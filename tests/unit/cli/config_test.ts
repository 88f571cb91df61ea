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
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import { parseConfig } from "../../../src/cli/config/config_file.ts";
import {
  masterKeyFromBase64,
  masterKeyFromPassword,
} from "../../../src/crypto/master_key.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { publicTarget } from "../../../src/security/target_policy.ts";
import type {
  ConfiguredLocal,
  ConfiguredServer,
} from "../../../src/cli/config/config.ts";
import { complete } from "../../../src/cli/settings/read.ts";
import { GROUP_DEFAULTS } from "../../../src/service/outbound/servers/options.ts";
import { SERVICE } from "../../../src/cli/settings/service.ts";
import { sourcesOf } from "../../support/sources.ts";

/** Of every service, where nothing was said. */
const DEFAULTS = {
  ...complete(SERVICE, {}),
  balancer: GROUP_DEFAULTS,
};

const CHACHA = findMethod("chacha20-ietf-poly1305");
const AES = findMethod("aes-256-gcm");

/** Files by name; objects are written as JSON. */
type Files = Readonly<Record<string, unknown>>;

function readFrom(files: Files): (path: string) => string {
  return (path) => {
    const content = files[path];
    if (content === undefined) throw new ConfigError("ERR_CONFIG_FILE", path);
    return typeof content === "string" ? content : JSON.stringify(content);
  };
}

function local(
  argv: string[],
  files: Files = {},
): Configured<ConfiguredLocal[]> {
  const args = parseArguments(findCommand("local")!, argv);
  return configureLocal(args, sourcesOf(readFrom(files)));
}

function server(
  argv: string[],
  files: Files = {},
): Configured<ConfiguredServer[]> {
  const args = parseArguments(findCommand("server")!, argv);
  return configureServer(args, sourcesOf(readFrom(files)));
}

function urls(argv: string[], files: Files = {}): string[] {
  const args = parseArguments(findCommand("url")!, argv);
  return configureUrls(args, sourcesOf(readFrom(files))).result;
}

function refuses(run: () => unknown, ...messages: RegExp[]): void {
  assert.throws(run, (error: unknown) => {
    assert.ok(error instanceof ConfigError, String(error));
    for (const message of messages) assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
}

const LIBEV = {
  server: "192.0.2.1",
  server_port: 8388,
  local_address: "127.0.0.2",
  local_port: 1081,
  password: "pw",
  method: "aes-256-gcm",
  timeout: 60,
};

test("configureLocal() reads a configuration of libev", () => {
  const { result, warnings } = local(["-c", "f"], { f: LIBEV });
  assert.deepEqual(result, [{
    ...DEFAULTS,
    listen: { host: "127.0.0.2", port: 1081 },
    servers: [{
      endpoint: { host: "192.0.2.1", port: 8388 },
      method: AES,
      masterKey: masterKeyFromPassword("pw", AES),
    }],
    idleTimeoutMs: 60_000,
  }]);
  assert.deepEqual(warnings, []);
});

test("configureLocal() needs no file and has libev's defaults", () => {
  const { result } = local(["-s", "h", "-p", "1", "-k", "pw"]);
  assert.deepEqual(result, [{
    ...DEFAULTS,
    listen: { host: "127.0.0.1", port: 1080 },
    servers: [{
      endpoint: { host: "h", port: 1 },
      method: CHACHA,
      masterKey: masterKeyFromPassword("pw", CHACHA),
    }],
  }]);
});

test("configureLocal() lets every option beat the file", () => {
  const argv = "-c f -s [::1]:9 -k other -m aes-128-gcm -b ::1 -l 0 -t 1.5 " +
    "--max-connections 7";
  const [options] = local(argv.split(" "), { f: LIBEV }).result;
  const method = findMethod("aes-128-gcm");
  assert.deepEqual(options, {
    ...DEFAULTS,
    listen: { host: "::1", port: 0 },
    servers: [{
      endpoint: { host: "::1", port: 9 },
      method,
      masterKey: masterKeyFromPassword("other", method),
    }],
    idleTimeoutMs: 1_500,
    maxConnections: 7,
  });
});

test("configureLocal() takes what -s leaves out from options, then the file", () => {
  const endpoints = (...argv: string[]): unknown =>
    local(["-c", "f", ...argv], { f: LIBEV }).result[0]!.servers
      .map((one) => `${one.endpoint.host} ${one.endpoint.port}`);
  assert.deepEqual(endpoints("-s", "a"), ["a 8388"]);
  assert.deepEqual(endpoints("-s", "a", "-s", "b:2", "-p", "1"), [
    "a 1",
    "b 2",
  ]);
  assert.deepEqual(endpoints("-p", "1"), ["192.0.2.1 1"]);
});

test("configureLocal() reads lists of servers in both forms", () => {
  const f = {
    server: ["a", "[::1]:2", "2001:db8::1"],
    server_port: "1",
    password: 12345,
    method: CHACHA.name,
    servers: [
      { address: "b", port: 3, method: "aes-256-gcm", password: "own" },
      { server: "c", server_port: 4, disabled: true },
      { server: "d", remarks: "no password of its own" },
    ],
  };
  const [options] = local(["-c", "f"], { f }).result;
  assert.deepEqual(
    options!.servers.map(({ endpoint: { host, port }, method, masterKey }) => [
      host,
      port,
      method.name,
      masterKey,
    ]),
    [
      ["a", 1, CHACHA.name, masterKeyFromPassword("12345", CHACHA)],
      ["::1", 2, CHACHA.name, masterKeyFromPassword("12345", CHACHA)],
      ["2001:db8::1", 1, CHACHA.name, masterKeyFromPassword("12345", CHACHA)],
      ["b", 3, AES.name, masterKeyFromPassword("own", AES)],
      ["d", 1, CHACHA.name, masterKeyFromPassword("12345", CHACHA)],
    ],
  );
});

test("configureLocal() starts one proxy for each entry of locals", () => {
  const f = {
    ...LIBEV,
    local_address: undefined,
    local_port: undefined,
    locals: [
      { local_address: "127.0.0.1", local_port: 1, protocol: "socks" },
      { local_port: 2 },
      { local_port: 3, disabled: true, protocol: "http" },
    ],
  };
  const listen = (...argv: string[]): unknown =>
    local(["-c", "f", ...argv], { f }).result.map((one) => one.listen);
  assert.deepEqual(listen(), [
    { host: "127.0.0.1", port: 1 },
    { host: "127.0.0.1", port: 2 },
  ]);
  assert.deepEqual(listen("-l", "9"), [{ host: "127.0.0.1", port: 9 }]);
  const tun = { ...LIBEV, locals: [{ local_port: 1, protocol: "tun" }] };
  refuses(
    () => local(["-c", "f"], { f: tun }),
    /locals\[0\]\.protocol is "tun", expected "mixed", "socks", "http"/,
  );
});

test("configureLocal() starts from URIs, which options change", () => {
  const uri = "ss://YWVzLTI1Ni1nY206cHc@[::1]:8888#x";
  const [options] = local([uri, "-l", "1"]).result;
  assert.deepEqual(options, {
    ...DEFAULTS,
    listen: { host: "127.0.0.1", port: 1 },
    servers: [{
      name: "x",
      endpoint: { host: "::1", port: 8888 },
      method: AES,
      masterKey: masterKeyFromPassword("pw", AES),
    }],
  });
  const changed =
    local([uri, "-p", "5", "-s", "h:6", "-k", "x"]).result[0]!.servers;
  assert.deepEqual(changed.map((one) => one.endpoint.port), [6, 5]);
});

test("configureLocal() refuses a URI with a strange method", () => {
  refuses(
    () => local(["ss://rc4-md5:secret@h:1"]),
    /the URI of h:1: .*rc4-md5/,
  );
});

test("configureLocal() reads SOCKS users from options and rust's file", () => {
  const f = { ...LIBEV, socks5_auth_config_path: "auth" };
  const auth = {
    password: { users: [{ user_name: "u", password: "p:q" }] },
  };
  const argv = ["-c", "f"];
  assert.deepEqual(local(argv, { f, auth }).result[0]!.users, [
    { username: "u", password: "p:q" },
  ]);
  argv.push("--socks-user", "a:b:c", "--socks-user", "d:e");
  assert.deepEqual(local(argv, { f, auth }).result[0]!.users, [
    { username: "a", password: "b:c" },
    { username: "d", password: "e" },
  ]);
  refuses(
    () => local(["-c", "f"], { f, auth: {} }),
    /^auth:1:1: password is missing/,
  );
  refuses(
    () =>
      local(["-c", "f"], {
        f,
        auth: { password: { users: [{ password: "secret" }] } },
      }),
    /user_name is missing/,
  );
  refuses(
    () => local(["-c", "f", "--socks-user", "secret"], { f: LIBEV }),
    /--socks-user: expected NAME:PASSWORD/,
  );
});

test("configureLocal() takes a raw key, which beats a password beside it", () => {
  const key = "A".repeat(43);
  const masterKey = masterKeyFromBase64(key, CHACHA);
  const from = (argv: string[], files?: Files): Uint8Array =>
    local(["-s", "h:1", ...argv], files).result[0]!.servers[0]!.masterKey;
  assert.deepEqual(from(["--key", key, "-k", "x"]), masterKey);
  assert.deepEqual(
    from(["-c", "f"], { f: { key, password: "x", method: CHACHA.name } }),
    masterKey,
  );
  assert.deepEqual(
    from(["-c", "f", "-k", "x"], { f: { key, method: CHACHA.name } }),
    masterKeyFromPassword("x", CHACHA),
  );
  refuses(() => from(["--key", "secretAA"]), /^--key: .*32 bytes/);
  refuses(
    () => from(["-c", "f"], { f: { key: "secretAA", method: CHACHA.name } }),
    /^f:1:8: key: /,
  );
});

test("a message that something is missing tells of keys that are mistyped", () => {
  const f = { server: "h", server_port: 1 };
  refuses(
    () => local(["-c", "f"], { f: { ...f, pashwoorde: "secret" } }),
    /no password: .*; f:1:\d+: pashwoorde is unknown .* mean "password"\?$/,
  );
  refuses(
    () => local(["-c", "f"], { f: { server: "h", servants_port: 1 } }),
    /no server port: .*; f:1:\d+: servants_port .* mean "server_port"\?$/,
  );
});

test("a password without a method is refused, wherever it stands", () => {
  const f = { server: "h", server_port: 1 };
  const missing =
    /no "method" beside the password: .* default was chacha20-ietf/;
  refuses(
    () => local(["-c", "f"], { f: { ...f, password: "secret" } }),
    missing,
  );
  refuses(() => server(["-c", "f"], { f: { ...f, key: "secret" } }), missing);
  const users = [{ name: "a", password: "secret" }];
  refuses(() => server(["-c", "f"], { f: { ...f, users } }), missing);
  const port_password = { 1: "secret" };
  refuses(() => server(["-c", "f"], { f: { ...f, port_password } }), missing);
  const servers = [{ ...f, password: "secret" }];
  refuses(() => local(["-c", "f"], { f: { servers } }), missing);
  const password_file = "/p";
  const files = { f: { ...f, password_file }, "/p": "secret" };
  refuses(() => local(["-c", "f"], files), missing);
  // What the file does not say, the command line may, and its own password.
  const chosen = local(["-c", "f", "-m", "aes-256-gcm"], files).result[0]!;
  assert.equal(chosen.servers[0]!.method, AES);
  const usual = local(["-c", "f", "-k", "x"], { f }).result[0]!;
  assert.equal(usual.servers[0]!.method, CHACHA);
});

test("configureLocal() says what is missing, and how to give it", () => {
  refuses(() => local([]), /No server.*-s HOST:PORT.*ss:\/\/ URI.*-c FILE/);
  refuses(
    () => local(["-s", "h"]),
    /-s, --server-addr: no server port: give -p PORT/,
  );
  refuses(
    () => local(["-s", "h:1"]),
    /-s, --server-addr: no password: give -k PASSWORD/,
  );
  refuses(
    () => local(["-s", "h:0", "-k", "x"]),
    /no client can connect to port 0/,
  );
});

test("configureServer() listens on every address, when none is named", () => {
  const f = {
    server_port: 8388,
    password: "pw",
    local_port: 1080,
    method: CHACHA.name,
  };
  for (
    const [origin, ...argv] of [
      ["f:1:32: password", "-c", "f"],
      ["-k, --password", "-p", "8388", "-k", "pw"],
    ]
  ) {
    assert.deepEqual(server(argv, { f }).result, [{
      ...complete(SERVICE, {}),
      listen: { host: "0.0.0.0", port: 8388 },
      method: CHACHA,
      masterKey: masterKeyFromPassword("pw", CHACHA),
      secrets: {
        own: {
          ...{ kind: "password", text: "pw", origin },
          ...origin!.startsWith("f:") && { inFile: true },
        },
        users: new Map(),
      },
      targetPolicy: publicTarget,
      reach: "public addresses",
    }]);
  }
});

test("configureServer() lets clients reach public addresses, and those of its options", () => {
  const policy = (argv: string[], more: object = {}): string[] => {
    const f = { ...LIBEV, ...more };
    const { targetPolicy } = server(["-c", "f", ...argv], { f }).result[0]!;
    return ["1.1.1.1", "10.0.0.1", "127.0.0.1", "::1", "169.254.169.254"]
      .filter((ip) => targetPolicy!(ip) === undefined);
  };
  assert.deepEqual(policy([]), ["1.1.1.1"]);
  assert.deepEqual(
    policy(["--allow-private", "10.0.0.0/8", "--allow-private", "::1"]),
    ["1.1.1.1", "10.0.0.1", "::1"],
  );
  assert.equal(policy(["--allow-private", "all"]).length, 5);
  const file = { allow_private: ["127.0.0.0/8"] };
  assert.deepEqual(policy([], file), ["1.1.1.1", "127.0.0.1"]);
  assert.deepEqual(policy(["--allow-private", "::1"], file), [
    "1.1.1.1",
    "::1",
  ]);
  assert.deepEqual(policy(["--reject-private"], file), ["1.1.1.1"]);
  assert.deepEqual(policy(["--reject-private"], { allow_private: "all" }), [
    "1.1.1.1",
  ]);
  assert.throws(
    () => policy(["--reject-private", "--allow-private", "::1"]),
    {
      code: "ERR_CONFIG_USAGE",
      message: /--reject-private and --allow-private/,
    },
  );
  for (
    const wrong of ["10.0.0.0/33", "::1/129", "example.com", "10.0.0.0/", ""]
  ) {
    refuses(() => policy(["--allow-private", wrong]), /--allow-private/);
    refuses(
      () => policy([], { allow_private: [wrong] }),
      /f:1:\d+: allow_private/,
    );
  }
});

test("configureServer() starts one service for each server", () => {
  const f = {
    server: ["::1", "127.0.0.1"],
    server_port: 1,
    password: "a",
    method: CHACHA.name,
    timeout: "9",
    servers: [{ address: "127.0.0.1", port: 2, password: "b", timeout: 3 }],
  };
  const seen = server(["-c", "f"], { f }).result.map((one) => [
    `${one.listen.host} ${one.listen.port}`,
    one.masterKey,
    one.idleTimeoutMs,
  ]);
  assert.deepEqual(seen, [
    ["::1 1", masterKeyFromPassword("a", CHACHA), 9_000],
    ["127.0.0.1 1", masterKeyFromPassword("a", CHACHA), 9_000],
    ["127.0.0.1 2", masterKeyFromPassword("b", CHACHA), 3_000],
  ]);
});

test("configureServer() binds once, for libev's usual pair of wildcards", () => {
  for (const six of ["::", "[::0]", "::0"]) {
    const f = { ...LIBEV, server: [six, "0.0.0.0"] };
    const hosts = server(["-c", "f"], { f }).result.map((o) => o.listen.host);
    assert.deepEqual(hosts, [six.replace(/[[\]]/g, "")]);
  }
  const [, second] =
    server(["-s", "[::]:1", "-s", "0.0.0.0:2", "-k", "x"]).result;
  assert.equal(second?.listen.port, 2);
});

test("a mistake in a file is named with its place, and no secret", () => {
  const bad = (change: Files): () => unknown => () =>
    local(["-c", "f.json"], {
      f: undefined,
      "f.json": { ...LIBEV, ...change },
    });
  refuses(
    bad({ server_port: 70000 }),
    /^f\.json:1:\d+: server_port is 70000, expected a port from 1 to 65535$/,
  );
  refuses(bad({ server_port: "x" }), /server_port is "x"/);
  refuses(bad({ server: {} }), /server is an object, expected HOST/);
  refuses(bad({ server: [1] }), /server is a list, expected/);
  refuses(bad({ server: "" }), /server is "", expected/);
  refuses(
    bad({ password: ["secret"] }),
    /password has a wrong value, expected/,
  );
  refuses(bad({ password: "" }), /password has a wrong value/);
  refuses(bad({ key: 5 }), /key has a wrong value/);
  // The users of ShadowsocksR under the key beside theirs.
  for (const key of ["protocol", "obfs"]) {
    refuses(
      bad({ [key]: "64#1001:secret" }),
      new RegExp(`${key} has a wrong value, expected`),
    );
  }
  refuses(
    bad({ method: "rot13" }),
    /f\.json:1:\d+: method: .*"rot13".*aes-256-gcm/,
  );
  refuses(bad({ timeout: -1 }), /timeout is -1, expected seconds/);
  refuses(bad({ timeout: 1e-9 }), /timeout is 1e-9, expected seconds/);
  refuses(bad({ server_port: 0 }), /server_port is 0, expected a port from 1/);
  refuses(bad({ server: "h:0" }), /server is "h:0", expected HOST/);
  refuses(bad({ timeout: 1e12 }), /timeout is 1000000000000/);
  refuses(bad({ servers: [{ port: -1 }] }), /servers\[0\]\.port is -1/);
  refuses(
    bad({ servers: {} }),
    /servers is an object, expected a list of objects/,
  );
  refuses(bad({ local_port: 1.5 }), /local_port is 1.5/);
  refuses(bad({ local_address: "a:b:c" }), /local_address is "a:b:c"/);
});

test("a mistake in a file is found on its line", () => {
  const text = '{\n  // comment\n  "server": "h",\r\n  "server_port": true,\n}';
  refuses(
    () => local(["-c", "f"], { f: text }),
    /^f:4:18: server_port is true, expected a port/,
  );
});

test("parseConfig() tells line and column of what is not JSON", () => {
  refuses(() => parseConfig("", "f"), /^f:1:1: not valid JSON/);
  refuses(() => parseConfig('{\n  "a" 1\n}', "f"), /^f:2:7: .*colon expected/);
  refuses(() => parseConfig('{"a": "b', "f"), /^f:1:\d+: .*unexpected end/);
  refuses(
    () => parseConfig('{"a": 1 "b": 2}', "f"),
    /^f:1:9: .*comma expected/,
  );
  refuses(() => parseConfig("[]", "f"), /^f:1:1: expected an object/);
  refuses(() => parseConfig("{} x", "f"), /^f:1:4: /);
  const deep = '{"a":'.repeat(200_000);
  refuses(() => parseConfig(deep, "f"), /^f:1:1: .* nested too deeply/);
});

test("parseConfig() refuses text that is not well formed, wherever it stands", () => {
  for (
    const text of [
      '{"server": "h", "password": "secret\\ud800"}',
      '{"users": [{"name": "\\udc00x"}]}',
      '{"\\ud800": 1}',
    ]
  ) {
    refuses(() => parseConfig(text, "f"), /^f:1:\d+: text that is not well/);
  }
});

test("a user's name in a file can be shown, and be part of a path", () => {
  for (const name of [" ", "\u202ealice", "a\nb", "..", "x".repeat(65)]) {
    const file = {
      ...LIBEV,
      users: [{ name, password: "p" }],
    };
    refuses(
      () => server(["-c", "f.json"], { "f.json": file }),
      /^f\.json:1:\d+: users\[0\]\.name is ".*, expected another: it /,
    );
  }
});

test("parseConfig() says that strings take double quotes, as JSON5 does not", () => {
  refuses(() => parseConfig("{'a': 1}", "f"), /^f:1:2: .*double quotes only/);
  refuses(() => parseConfig("{a: 1}", "f"), /^f:1:2: .*double quotes only/);
});

test("parseConfig() refuses a key that is there twice, but for comments", () => {
  const twice = '{"users": [{"name": "a",\n "key": 1, "key": 2}]}';
  refuses(() => parseConfig(twice, "f"), /^f:2:12: key is repeated/);
  const comments = '{"//": 1, "//": 2, "a": {"b": 1}, "b": 2}';
  assert.deepEqual(parseConfig(comments, "f").keys(), ["//", "a", "b"]);
});

test("parseConfig() calls an empty file empty", () => {
  refuses(() => parseConfig(" \n", "f"), /^f:1:1: .* the file is empty$/);
});

test("parseConfig() takes comments, trailing commas, a BOM and null", () => {
  const file = parseConfig('\uFEFF{ /* c */ "a": "x", "b": null, }', "f");
  assert.deepEqual(file.keys(), ["a"]);
  assert.equal(file.where("a"), "f:1:16: a");
});

test("unknown keys are ignored with a warning, and the known one that is like it", () => {
  const f = {
    ...LIBEV,
    server_parent: "x",
    _metod: 1,
    servers: [{ server: "h", colour: "y" }],
    remarks: "fine",
  };
  const { warnings } = local(["-c", "f"], { f });
  assert.equal(warnings.length, 2);
  assert.match(warnings[0]!, /servers\[0\]\.colour is unknown and ignored$/);
  assert.match(
    warnings[1]!,
    /server_parent is unknown and ignored.*"server_port"/,
  );
});

test("a key one or two letters from a known one is refused, in every object", () => {
  for (
    const change of [
      { metod: "aes-128-gcm" },
      { mehtod: "aes-128-gcm" },
      { pasword: "secret" },
      { servers: [{ server: "h", metod: "y" }] },
      { locals: [{ local_prt: 1 }] },
      { balancer: { polcy: "random" } },
      { users: [{ name: "a", password: "x", quota_byte: 1 }] },
    ]
  ) {
    refuses(
      () =>
        ("users" in change ? server : local)(["-c", "f"], {
          f: { ...LIBEV, ...change },
        }),
      /^f:1:\d+: \S+ is unknown; did you mean "\w+"\? Correct the key, or rename it to "_\w+" to make it a comment$/,
    );
  }
});

test("keys we do not serve are refused, or ignored with a warning", () => {
  const run = (change: Files): readonly string[] =>
    server(["-c", "f"], { f: { ...LIBEV, ...change } }).warnings;
  refuses(() => run({ auth: true }), /auth is not supported: /);
  assert.deepEqual(run({ plugin: "", fast_open: false }), []);
  assert.match(run({ fast_open: true })[0]!, /^ignored: f:1:\d+: fast_open: /);
  assert.match(run({ nameserver: "1.1.1.1" })[0]!, /^ignored: /);
});

test("options with wrong values are named", () => {
  const base = ["-s", "h:1", "-k", "x"];
  const bad = (...argv: string[]): () => unknown => () =>
    local([...base, ...argv]);
  refuses(bad("-p", "0x1"), /--server-port: expected a port/);
  refuses(bad("-l", "65536"), /--local-port: expected/);
  refuses(bad("-b", "a b"), /--local-addr: expected HOST/);
  refuses(bad("-s", "h:99999"), /--server-addr: expected/);
  refuses(bad("-t", "soon"), /--timeout: expected/);
  refuses(
    bad("--max-connections", "0"),
    /--max-connections: expected a whole/,
  );
  refuses(
    bad("-m", "rot13"),
    /-m, --encrypt-method: Unknown method given: expected one of/,
  );
});

test("configureUrls() prints one URI for each server", () => {
  const f = {
    server: ["a.example", "::1"],
    server_port: 8388,
    password: "pw",
    method: "aes-256-gcm",
    servers: [{ address: "b", port: 1, password: "x", remarks: "B é" }],
  };
  assert.deepEqual(urls(["-c", "f"], { f }), [
    "ss://YWVzLTI1Ni1nY206cHc@a.example:8388",
    "ss://YWVzLTI1Ni1nY206cHc@[::1]:8388",
    "ss://YWVzLTI1Ni1nY206eA@b:1#B%20%C3%A9",
  ]);
  assert.deepEqual(
    urls(["-c", "f", "--host", "c", "-p", "2", "--tag", "t"], { f }),
    [
      "ss://YWVzLTI1Ni1nY206cHc@c:2#t",
      "ss://YWVzLTI1Ni1nY206eA@c:2#t",
    ],
  );
});

test("configureUrls() has public_host as the host, unless --host beats it", () => {
  const f = { ...LIBEV, server: "::", public_host: "vpn.example" };
  assert.match(urls(["-c", "f"], { f })[0]!, /@vpn\.example:/);
  assert.match(urls(["-c", "f", "--host", "b"], { f })[0]!, /@b:/);
});

test("configureUrls() wants a host one can connect to, and a password", () => {
  for (const host of ["0.0.0.0", "::", "[::0]"]) {
    const argv = ["-s", host, "-p", "1", "-k", "secret"];
    refuses(
      () => urls(argv),
      /is not an address to connect to: give --host NAME/,
    );
    assert.equal(urls([...argv, "--host", "h"]).length, 1);
  }
  refuses(() => urls(["-p", "1", "-k", "secret"]), /give --host NAME/);
  refuses(() => urls(["-s", "h:1"]), /no password/);
  refuses(() => urls(["-s", "h:1", "--key", "secret"]), /raw key has no ss:/);
});
