/**
 * Configuration files, mutated as texts and as trees: there is a result or a
 * `ConfigError`, in bounded time, and nothing shows a password.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../src/cli/options/args.ts";
import { describeConfig } from "../../src/cli/config/check_config.ts";
import { findCommand } from "../../src/cli/commands/commands.ts";
import { knownKeys } from "../../src/cli/settings/tables.ts";
import { ConfigError } from "../../src/errors.ts";
import { seededRandom, utf8 } from "../support/bytes.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";
import { sourcesOf } from "../support/sources.ts";

const SECRET = "correct-horse";

const SAMPLES: readonly object[] = [
  {
    server: ["::", "0.0.0.0"],
    server_port: 8388,
    password: SECRET,
    method: "aes-256-gcm",
    mode: "tcp_and_udp",
    timeout: 60,
    users: [
      {
        name: "alice",
        password: `${SECRET}-a`,
        quota_bytes: "50 GB",
        bytes_per_second: "10 Mbit/s",
        expires: "2027-01-31",
      },
      { name: "bob", password_file: "bob", disabled: true, max_hosts: 3 },
    ],
    allow_private: ["10.0.0.0/8", "all"],
    admin: "127.0.0.1:9000",
    admin_token_file: "token",
    store: "users.db",
  },
  {
    servers: [
      { address: "192.0.2.1", port: 1, key: "A".repeat(43) },
      { server: "192.0.2.2:2", password: SECRET, disabled: false },
    ],
    locals: [
      { local_port: 1080, protocol: "mixed", fast_open: true },
      { protocol: "tunnel", forward_address: "a", forward_port: 53 },
    ],
    method: "aes-256-gcm",
    log_privacy: "hashed",
  },
  {
    method: "aes-256-gcm",
    server: "a",
    port_password: { 1: SECRET, 2: `${SECRET}-b` },
  },
  JSON.parse('{ "__proto__": { "password": 1 }, "server_port": 1 }'),
];

/** Values that mean something to some key, or to none. */
const VALUES: readonly unknown[] = [
  ...[null, true, false, 0, -1, 1.5, 65_536, 2 ** 53, 1e308, "", " ", "\0"],
  ...[
    "::",
    "[::1]:1",
    "a:b:c",
    "8388",
    "50 GB",
    "1e9 GB",
    "${X}",
    "2027-02-30",
  ],
  ...["tcp_only", "socks", "2022-blake3-aes-128-gcm", "unix:/x", "all", "💥"],
  ...[[], {}, [null], [[]], [{}], { users: [{}] }, ["a", 1], { "": 1 }],
];

const PLACES = ["top", "server", "local", "user", "online"] as const;

const KEYS: readonly string[] = [
  ...PLACES.flatMap((place) => [...knownKeys(place)]),
  ...["constructor", "toString", "", "_comment", "pasword"],
];

/** What the roles make of a file: descriptions and messages. */
function outcomes(text: string): string[] {
  const sources = sourcesOf((path) => path === "f" ? text : SECRET);
  return [[], ...ROLES.map((role) => ["--role", role])].map((options) => {
    const args = parseArguments(findCommand("check")!, options);
    try {
      const { text, isFit } = describeConfig("f", args, sources);
      return isFit ? text : text.slice(text.indexOf("\n"));
    } catch (error) {
      assert.ok(error instanceof ConfigError, `${text}\n${error}`);
      return error.message;
    }
  });
}

/** Whether some role would run with the file. */
function runs(outcome: string): boolean {
  return outcome.startsWith("f: a configuration");
}

/** A file is more than a message, and is read four times. */
const COUNT = MUTATIONS / 25;

const ROLES = ["server", "local", "tunnel"];

test("a configuration file that is mutated as a text gives a result or a ConfigError", () => {
  const samples = SAMPLES.map((one) => utf8(JSON.stringify(one)));
  const spice = utf8("\"'{}[]:,/*\\ \n019-.etfn$_");
  const start = performance.now();
  let accepted = 0;
  const all = mutations(samples, spice, { count: COUNT, seed: 6 });
  for (const bytes of all) {
    if (outcomes(new TextDecoder().decode(bytes)).some(runs)) accepted++;
  }
  assert.ok(accepted > 0);
  assert.ok(performance.now() - start < FUZZ_BUDGET_MS);
});

test("a configuration file that is mutated as a tree gives a result or a ConfigError", () => {
  const next = seededRandom(66);
  const pick = <T>(from: readonly T[]): T => from[next() % from.length]!;
  const start = performance.now();
  let accepted = 0;
  for (let i = 0; i < COUNT; i++) {
    const file = structuredClone(pick(SAMPLES)) as Record<string, unknown>;
    for (let edits = 1 + next() % 3; edits > 0; edits--) {
      const object = pick(objectsOf(file));
      const keys = next() % 2 === 0 ? Object.keys(object) : KEYS;
      if (keys.length > 0) object[pick(keys)] = structuredClone(pick(VALUES));
    }
    const all = outcomes(JSON.stringify(file));
    for (const outcome of all) assert.doesNotMatch(outcome, /correct-horse/);
    if (all.some(runs)) accepted++;
  }
  assert.ok(accepted > 0);
  assert.ok(performance.now() - start < FUZZ_BUDGET_MS);
});

/** An object, and all in it. */
function objectsOf(value: unknown): Record<string, unknown>[] {
  if (typeof value !== "object" || value === null) return [];
  const inside = Object.values(value).flatMap(objectsOf);
  return Array.isArray(value)
    ? inside
    : [value as Record<string, unknown>, ...inside];
}
