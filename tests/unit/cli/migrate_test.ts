// Keys of configuration files are what they are.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type ConfiguredServer,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { besideRules } from "../../../src/cli/migrate/beside_rules.ts";
import {
  migrate,
  type Migrated,
  type MigrateWishes,
} from "../../../src/cli/migrate/migrate.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

const CHACHA = "chacha20-ietf-poly1305";

/**
 * Returns the configuration made from files of other programs, and the notes.
 */
function run(
  files: Readonly<Record<string, unknown>>,
  wishes: MigrateWishes = {},
): Migrated & { readonly servers: ConfiguredServer[] } {
  const sources = sourcesOf((path) => {
    const content = files[path]!;
    return typeof content === "string" ? content : JSON.stringify(content);
  });
  const made = migrate(Object.keys(files), wishes, sources);
  const { text, notes } = made;
  const args = parseArguments(findCommand("server")!, ["-c", "made"]);
  const { result } = configureServer(args, sourcesOf(() => text));
  assert.doesNotMatch(notes.join("\n"), /secret/);
  return { ...made, servers: result };
}

/** Returns name, key and quota of every user of a server. */
function usersOf({ users = [] }: ConfiguredServer): unknown[] {
  return users.map(({ name, masterKey, limits }) => [
    name,
    masterKey.toHex(),
    limits?.quotaBytes,
  ]);
}

function keyOf(password: string, method = CHACHA): string {
  return masterKeyFromPassword(password, findMethod(method)).toHex();
}

test("migrate() takes the keys of Outline over, with names, ports and limits", () => {
  const { servers, notes, text } = run({
    "shadowbox_config.json": {
      accessKeys: [
        {
          ...{ id: "0", name: "Ann", password: "secret-0", port: 443 },
          encryptionMethod: CHACHA,
          dataLimit: { bytes: 5_000_000_000 },
        },
        {
          ...{ id: "1", name: "", password: "secret-1", port: 443 },
          encryptionMethod: CHACHA,
        },
        { id: "2", name: "Ann", password: "secret-2", port: 443 },
        {
          ...{ id: "3", name: "Bob", password: "secret-3", port: 8443 },
          encryptionMethod: "aes-256-gcm",
        },
        {
          ...{ id: "4", name: "Eve", password: "secret-4", port: 8443 },
          encryptionMethod: CHACHA,
        },
      ],
      nextId: 5,
    },
  }, { host: "vpn.example" });
  assert.deepEqual(
    servers.map(({ listen, method, mode }) => [
      listen.host,
      listen.port,
      method.name,
      mode,
    ]),
    [
      ["::", 443, CHACHA, "tcp_and_udp"],
      ["::", 8443, "aes-256-gcm", "tcp_and_udp"],
    ],
  );
  assert.deepEqual(usersOf(servers[0]!), [
    ["Ann", keyOf("secret-0"), 5_000_000_000],
    ["key-1", keyOf("secret-1"), undefined],
    ["Ann (key-2)", keyOf("secret-2"), undefined],
  ]);
  assert.deepEqual(usersOf(servers[1]!), [
    ["Bob", keyOf("secret-3", "aes-256-gcm"), undefined],
  ]);
  assert.equal(notes.length, 2);
  assert.match(notes[0]!, /over 30 days/);
  assert.match(notes[1]!, /^key 4 is left out: its method chacha20/);
  assert.match(text, /"public_host": "vpn\.example"/);
});

test("migrate() gives each port of libev and ss-manager a user of its own", () => {
  const { servers } = run({
    "config.json": {
      server: ["::1", "127.0.0.1"],
      method: "aes-256-gcm",
      mode: "tcp_only",
      port_password: { 8381: "a", 8382: "b" },
    },
    ".shadowsocks_8383.conf": '{\n"server_port":8383,\n"password":"c",\n}\n',
    ".shadowsocks_8384.conf":
      '{\n"server_port":"8384",\n"password":"d",\n"method":"aes-128-gcm"\n}\n',
  }, { method: CHACHA });
  assert.deepEqual(
    servers.map((server) => [
      `${server.listen.host} ${server.listen.port}`,
      server.masterKey,
      ...usersOf(server),
    ]),
    [
      ["::1 8381", undefined, [
        "port-8381",
        keyOf("a", "aes-256-gcm"),
        undefined,
      ]],
      [
        "127.0.0.1 8381",
        undefined,
        ["port-8381", keyOf("a", "aes-256-gcm"), undefined],
      ],
      ["::1 8382", undefined, [
        "port-8382",
        keyOf("b", "aes-256-gcm"),
        undefined,
      ]],
      [
        "127.0.0.1 8382",
        undefined,
        ["port-8382", keyOf("b", "aes-256-gcm"), undefined],
      ],
      [":: 8383", undefined, ["port-8383", keyOf("c"), undefined]],
      [":: 8384", undefined, [
        "port-8384",
        keyOf("d", "aes-128-gcm"),
        undefined,
      ]],
    ],
  );
});

test("migrate() keeps users, keys and legacy methods of shadowsocks-rust", () => {
  const key = "4OHi4+Tl5ufo6err7O3u7w==";
  const own = "wMHCw8TFxsfIycrLzM3Ozw==";
  const method = "2022-blake3-aes-128-gcm";
  const raw = "A".repeat(43);
  const { servers, text, notes } = run({
    "rust.json": {
      servers: [
        {
          ...{ address: "0.0.0.0", port: 1, method, password: own },
          users: [{ name: "ann", password: key }],
        },
        { address: "::", port: 2, method: "aes-256-gcm", key: raw },
        { address: "::", port: 3, method: "aes-256-cfb", password: "x" },
      ],
      allow_legacy: true,
      fast_open: true,
    },
  });
  assert.equal(servers[0]!.masterKey?.toBase64(), own);
  assert.deepEqual(
    servers[0]!.users?.map(({ masterKey }) => masterKey.toBase64()),
    [
      key,
    ],
  );
  assert.deepEqual(servers[1]!.masterKey, new Uint8Array(32));
  assert.equal(servers[2]!.method.name, "aes-256-cfb");
  assert.match(text, /"allow_legacy": true/);
  assert.match(notes.join("\n"), /fast_open/);
  assert.match(notes.join("\n"), /does not mention UDP/);
});

test("migrate() refuses what cannot be served, and names the place", () => {
  const refuses = (content: unknown, message: RegExp): void => {
    assert.throws(() => run({ f: content }), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  };
  const key = { id: "0", password: "secret", port: 1 };
  refuses(
    { accessKeys: [{ ...key, port: 0 }] },
    /accessKeys\[0\] has no usable port/,
  );
  refuses({ accessKeys: [{ ...key, password: "" }] }, /no usable password/);
  refuses(
    { accessKeys: [{ ...key, encryptionMethod: "rot13" }] },
    /Unknown method/,
  );
  refuses({ server_port: 1, password: "secret" }, /no "method"/);
  refuses(
    { server_port: 1, password: "secret", method: CHACHA, auth: true },
    /auth is not supported/,
  );
  refuses("<html>", /HTML page/);
});

test("migrate() moves the ports of a server that runs beside the old one", () => {
  const old = {
    server: ["192.0.2.1", "127.0.0.1"],
    method: "aes-256-gcm",
    mode: "tcp_and_udp",
    ["port_password"]: { 8381: "a", 443: "b" },
  };
  const { servers, ports, text } = run({ f: old }, { beside: 20_000 });
  assert.deepEqual(
    servers.map(({ listen, mode }) => [listen.host, listen.port, mode]),
    [["0.0.0.0", 20_443, "tcp_only"], ["0.0.0.0", 28_381, "tcp_only"]],
  );
  assert.deepEqual(ports, [443, 8_381]);
  assert.match(text, /until the old server has ended/);
  const [dual] = run(
    { f: { ...old, server: ["192.0.2.1", "::1"] } },
    { beside: 1 },
  ).servers;
  assert.equal(dual!.listen.host, "::");
});

test("migrate() refuses ports beside the old ones that cannot be had", () => {
  const old = { method: CHACHA, ["port_password"]: { 8381: "a", 8382: "b" } };
  for (
    const [beside, message] of [
      [1, /--beside 1: port 8381 would become 8382, which is another port/],
      [60_000, /port 8381 would become 68381, and the last one is 65535/],
    ] as const
  ) {
    assert.throws(() => run({ f: old }, { beside }), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.equal(error.code, "ERR_CONFIG_USAGE");
      assert.match(error.message, message);
      return true;
    });
  }
});

test("besideRules() redirects first segments to this machine alone", () => {
  const rules = besideRules([8_381, 443], 20_000);
  assert.match(rules, /elements = \{ 8381 : 28381, 443 : 20443 \}/);
  const redirects = rules.split("\n").filter((line) => /redirect/.test(line));
  assert.equal(redirects.length, 2);
  for (const line of redirects) {
    assert.equal(
      line.trim(),
      "tcp flags & (fin | syn | rst | ack) == syn fib daddr type local " +
        "redirect to :tcp dport map @ports",
    );
  }
});
