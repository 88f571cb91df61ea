// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import type { OperatorSettings } from "../../../src/cli/config/operator_settings.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

const FILE = {
  server: "192.0.2.1",
  server_port: 1,
  password: "x",
  method: "chacha20-ietf-poly1305",
};

function server(argv: string[], file: object = {}): OperatorSettings {
  return configureServer(
    parseArguments(findCommand("server")!, ["-c", "/etc/umbra/f", ...argv]),
    sourcesOf(readFrom(file)),
  ).operator;
}

function local(argv: string[], file: object = {}): OperatorSettings {
  return configureLocal(
    parseArguments(findCommand("local")!, ["-c", "/etc/umbra/f", ...argv]),
    sourcesOf(readFrom(file)),
  ).operator;
}

/** Returns the configuration and two token files. */
function readFrom(file: object): (path: string) => string {
  const files: Readonly<Record<string, string>> = {
    "/etc/umbra/f": JSON.stringify({ ...FILE, ...file }),
    "/etc/umbra/token": "file-token\r\n",
    "/run/token": "flag-token",
    "/run/empty": "\n",
  };
  return (path) => files[path]!;
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

/** The settings of an empty configuration. */
const DEFAULTS = {
  workers: 1,
  crypto: "auto",
  transport: "auto",
  graceMs: 5_000,
  reusePort: false,
  verbose: false,
  logFormat: "text",
  logPrivacy: "hashed",
  logConnections: false,
  logWithoutTime: false,
  managerAnywhere: false,
  ipv6First: false,
  drainMs: 0,
  fleetOutage: "serve",
  fleetDomain: "main",
  fleetReplay: "exchange",
  fleetPlain: false,
} as const;

test("operatorSettings() has the defaults, when nothing is asked for", () => {
  assert.deepEqual(server([]), DEFAULTS);
  assert.deepEqual(local([]), { ...DEFAULTS, logPrivacy: "full" });
});

test("operatorSettings() reads the file, its paths relative to it", () => {
  const file = {
    admin: "[::1]:9000",
    admin_token_file: "token",
    admin_host: ["admin.example", "192.0.2.7"],
    public_host: "vpn.example",
    manager: "127.0.0.1:6001",
    manager_anywhere: true,
    store: "../lib/users.db",
    log_format: "json",
    log_privacy: "hashed",
    log_connections: true,
    reuse_port: true,
    workers: "3",
    verbose: 1,
    log_without_time: true,
    grace: 0,
    crypto: "noble",
    transport: "linux",
  };
  const { publicHost, manager, managerAnywhere, store, ...both } = {
    admin: { host: "::1", port: 9000 },
    adminToken: "file-token",
    adminHosts: ["admin.example", "192.0.2.7"],
    publicHost: "vpn.example",
    manager: { host: "127.0.0.1", port: 6001 },
    managerAnywhere: true,
    store: "/etc/lib/users.db",
    logFormat: "json",
    logPrivacy: "hashed",
    logConnections: true,
    reusePort: true,
    workers: 3,
    verbose: true,
    logWithoutTime: true,
    graceMs: 0,
    crypto: "noble",
    transport: "linux",
    ipv6First: false,
    drainMs: 0,
    fleetOutage: "serve",
    fleetDomain: "main",
    fleetReplay: "exchange",
    fleetPlain: false,
  } as const;
  const onlyServer = { publicHost, manager, managerAnywhere, store };
  assert.deepEqual(server([], file), { ...both, ...onlyServer });
  const none = {
    public_host: null,
    manager: null,
    manager_anywhere: null,
    store: null,
  };
  assert.deepEqual(local([], { ...file, ...none }), {
    ...both,
    managerAnywhere: false,
  });
});

test("operatorSettings() lets an option beat the file", () => {
  const argv = "--admin unix:/run/admin --admin-token-file /run/token " +
    "--admin-host a.example --admin-host b.example " +
    "--public-host 192.0.2.9 --manager unix:/run/m --manager-anywhere --store /run/db " +
    "--log-format text --log-privacy none --log-connections --reuse-port " +
    "--workers auto --log-without-time";
  const file = {
    admin: "127.0.0.1:9000",
    admin_token_file: "token",
    admin_host: "c.example",
    store: "x",
    log_privacy: "full",
    log_connections: false,
    reuse_port: false,
    log_without_time: false,
  };
  const { workers, ...rest } = server(argv.split(" "), file);
  assert.ok(workers >= 1);
  const { workers: _, ...defaults } = DEFAULTS;
  assert.deepEqual(rest, {
    ...defaults,
    admin: { path: "/run/admin" },
    adminToken: "flag-token",
    adminHosts: ["a.example", "b.example"],
    publicHost: "192.0.2.9",
    manager: { path: "/run/m" },
    managerAnywhere: true,
    store: "/run/db",
    logFormat: "text",
    logPrivacy: "none",
    logConnections: true,
    reusePort: true,
    logWithoutTime: true,
  });
});

test("operatorSettings() names what it cannot read", () => {
  const cases: [string[], object, RegExp][] = [
    [["--admin", "9000"], {}, /^--admin: expected HOST:PORT or unix:/],
    [["--admin", "unix:run"], {}, /^--admin: expected/],
    [[], { admin: 9000 }, /^\/etc\/umbra\/f:1:\d+: admin is 9000, expected/],
    [[], { manager: "::1" }, /manager is "::1", expected HOST:PORT/],
    [["--admin-host", "a:1"], {}, /^--admin-host: expected a name/],
    [[], { admin_host: ["a:1"] }, /admin_host is .*expected a name/],
    [[], { public_host: "a:1" }, /public_host is "a:1", expected a name/],
    [[], { store: "" }, /store is "", expected/],
    [[], { log_privacy: "some" }, /log_privacy is "some", expected .*hashed/],
    [
      ["--log-format", "xml"],
      {},
      /^--log-format: expected text or json/,
    ],
    [[], { reuse_port: 1 }, /reuse_port is 1, expected true or false/],
    [[], { max_connections_per_host: 0 }, /is 0, expected a whole number/],
    [[], { workers: 257 }, /workers is 257, expected a whole .* 1 to 256/],
    [["--workers", "0"], {}, /^--workers: expected .* 1 to 256, or auto/],
    [[], { verbose: 3 }, /verbose is 3, expected true, false or a level/],
    [
      ["--admin-token-file", "/run/empty"],
      {},
      /^--admin-token-file: \/run\/empty has no line/,
    ],
  ];
  for (const [argv, file, message] of cases) {
    refuses(() => server(argv, file), message);
  }
});
