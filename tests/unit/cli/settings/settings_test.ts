// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { completions } from "../../../../src/cli/completions/completions.ts";
import {
  type ConfiguredRole,
  type ConfiguredServer,
  configureLocal,
  configureServer,
} from "../../../../src/cli/config/config.ts";
import { parseConfig } from "../../../../src/cli/config/config_file.ts";
import {
  type Arguments,
  parseArguments,
} from "../../../../src/cli/options/args.ts";
import { commandHelp } from "../../../../src/cli/options/help.ts";
import { manPage } from "../../../../src/cli/options/man.ts";
import {
  complete,
  fromObject,
  fromOptions,
  merge,
} from "../../../../src/cli/settings/read.ts";
import { LOG } from "../../../../src/cli/settings/program.ts";
import { SERVER } from "../../../../src/cli/settings/server.ts";
import { SERVICE } from "../../../../src/cli/settings/service.ts";
import { keysOf, written } from "../../../../src/cli/settings/setting.ts";
import { ROWS } from "../../../../src/cli/settings/tables.ts";
import { configJsonSchema } from "../../../settings.ts";
import { sourcesOf } from "../../../support/sources.ts";

const FILE = {
  server: "192.0.2.1",
  server_port: 1,
  password: "x",
  method: "chacha20-ietf-poly1305",
};

function server(
  argv: string[],
  file: object = {},
): ConfiguredRole<ConfiguredServer[]> {
  const args = parseArguments(findCommand("server")!, ["-c", "f", ...argv]);
  const text = JSON.stringify({ ...FILE, ...file });
  return configureServer(args, sourcesOf(() => text));
}

test("a default is written as the same value is read", () => {
  const rows = ROWS.filter((row) => row.default !== undefined);
  assert.ok(rows.length > 10);
  for (const { kind, fileKind, usual, help, ...row } of rows) {
    if (usual !== undefined) continue;
    const text = written(kind, row.default);
    const value = kind.value === undefined ? row.default : text;
    assert.deepEqual((fileKind ?? kind).read(value), row.default, help);
  }
});

test("a key and its option are the same word, or are known to differ", () => {
  const differing = ROWS.filter(({ key, flag }) =>
    key !== undefined && flag !== undefined && key.replaceAll("_", "-") !== flag
  );
  assert.deepEqual(
    differing.map(({ key, flag }) => `${key} --${flag}`),
    [
      "server --server-addr",
      "method --encrypt-method",
      "local_address --local-addr",
      "update_interval --refresh",
      "allowed_plugins --online-allowed-plugin",
      "keep_alive --tcp-keep-alive",
      "tcp_incoming_sndbuf --inbound-send-buffer-size",
      "tcp_incoming_rcvbuf --inbound-recv-buffer-size",
      "tcp_outgoing_sndbuf --outbound-send-buffer-size",
      "tcp_outgoing_rcvbuf --outbound-recv-buffer-size",
    ],
  );
});

test("a row alone is option, key, schema, help, completion and man page", () => {
  const { key, flag, help } = LOG.logWithoutTime;
  const args = (...argv: string[]): Arguments =>
    parseArguments(findCommand("server")!, argv);
  assert.equal(fromOptions(LOG, args(`--${flag}`)).logWithoutTime, true);
  assert.equal(fromOptions(LOG, args()).logWithoutTime, undefined);
  const file = parseConfig(`{ "${key}": true }`, "f");
  assert.equal(fromObject(LOG, file).logWithoutTime, true);
  const { properties } = JSON.parse(configJsonSchema());
  assert.equal(properties[key!].description, help);
  assert.match(commandHelp(findCommand("local")!, "x"), /--log-without-time/);
  assert.match(manPage(), /log\\-without\\-time/);
  for (const shell of ["bash", "zsh", "fish"]) {
    assert.match(completions(shell), /log-without-time/);
  }
  assert.equal(server([], { [key!]: true }).operator.logWithoutTime, true);
});

test("merge() takes the first that tells, complete() what none does", () => {
  const merged = merge<{ a: number; b: number }>({ a: 1 }, undefined, {
    a: 2,
    b: 3,
  });
  assert.deepEqual(merged, { a: 1, b: 3 });
  assert.equal(complete(SERVICE, {}).idleTimeoutMs, 300_000);
  assert.equal(complete(SERVICE, { idleTimeoutMs: 5 }).idleTimeoutMs, 5);
});

test("two names of one setting in one object are refused", () => {
  const file = parseConfig('{ "server": "a", "address": "b" }', "f");
  assert.throws(
    () => fromObject(SERVER, file, "server"),
    { message: 'f:1:29: address means the same as "server": keep one' },
  );
});

test("`workers` of the Python original is read", () => {
  assert.equal(server([], { workers: 4 }).operator.workers, 4);
  assert.equal(server(["--workers", "2"], { workers: 4 }).operator.workers, 2);
});

test("a timeout of 0 is none", () => {
  const timeout = (argv: string[], value: unknown): number =>
    server(argv, { timeout: value }).result[0]!.idleTimeoutMs;
  for (const zero of [0, "0", "0.0"]) {
    assert.equal(timeout([], zero), Infinity);
  }
  assert.equal(timeout(["-t", "0"], 60), Infinity);
  assert.equal(timeout(["-t", "5"], 0), 5_000);
  const servers = [{ ...FILE, timeout: 0 }, { ...FILE, timeout: 60 }];
  const text = JSON.stringify({ servers });
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const { result } = configureLocal(args, sourcesOf(() => text));
  assert.equal(result[0]!.idleTimeoutMs, Infinity);
});

test("every setting says in one sentence what it is for", () => {
  for (const row of ROWS) {
    assert.match(row.help, /^[A-Z].*[^.]$/, keysOf(row).join());
    if (row.flag !== undefined) assert.match(row.flag, /^[a-z][a-z\d-]*$/);
  }
});
