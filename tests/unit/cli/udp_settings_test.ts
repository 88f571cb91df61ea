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
import { ConfigError } from "../../../src/errors.ts";
import type { ServiceOptions } from "../../../src/service/options.ts";
import { sourcesOf } from "../../support/sources.ts";

const FILE = {
  server: "192.0.2.1",
  server_port: 1,
  password: "x",
  method: "chacha20-ietf-poly1305",
};

/** The UDP part of what both roles are started with; it is to be the same. */
function udp(argv: string[], file: object = {}): unknown {
  const sources = sourcesOf(() => JSON.stringify({ ...FILE, ...file }));
  const parse = (command: string): ReturnType<typeof parseArguments> =>
    parseArguments(findCommand(command)!, ["-c", "f", ...argv]);
  const [local] = configureLocal(parse("local"), sources).result;
  const [server] = configureServer(parse("server"), sources).result;
  assert.deepEqual(pick(local!), pick(server!));
  return pick(local!);
}

function pick(options: ServiceOptions): unknown {
  const { mode, udpTimeoutMs, maxFlows } = options;
  return [mode, udpTimeoutMs, maxFlows];
}

test("UDP is off, on with -u, and alone with -U, as in libev", () => {
  assert.deepEqual(udp([]), ["tcp_only", 300_000, 1_024]);
  assert.deepEqual(udp(["-u"]), ["tcp_and_udp", 300_000, 1_024]);
  assert.deepEqual(udp(["-U"]), ["udp_only", 300_000, 1_024]);
  const bounds = ["--udp-timeout", "60", "--udp-max-associations", "9"];
  assert.deepEqual(udp(["-u", ...bounds]), ["tcp_and_udp", 60_000, 9]);
});

test("UDP is what the file says, unless an option says more", () => {
  for (const mode of ["tcp_only", "udp_only", "tcp_and_udp"]) {
    assert.deepEqual(udp([], { mode }), [mode, 300_000, 1_024]);
  }
  const file = { mode: "udp_only", udp_timeout: 7, udp_max_associations: 5 };
  assert.deepEqual(udp([], file), ["udp_only", 7_000, 5]);
  assert.deepEqual(
    udp(["-u", "--udp-timeout", "8"], file),
    ["tcp_and_udp", 8_000, 5],
  );
});

test("UDP of one of several locals or servers is its own", () => {
  const file = {
    ...FILE,
    server: undefined,
    mode: "tcp_and_udp",
    servers: [
      { server: "192.0.2.1", mode: "tcp_only" },
      { server: "192.0.2.2", udp_timeout: 9 },
    ],
    locals: [{ local_port: 1, mode: "udp_only" }, { local_port: 2 }],
  };
  const sources = sourcesOf(() => JSON.stringify(file));
  const parse = (name: string): ReturnType<typeof parseArguments> =>
    parseArguments(findCommand(name)!, ["-c", "f"]);
  const locals = configureLocal(parse("local"), sources);
  const servers = configureServer(parse("server"), sources);
  assert.deepEqual(locals.result.map(pick), [
    ["udp_only", 300_000, 1_024],
    ["tcp_and_udp", 300_000, 1_024],
  ]);
  assert.deepEqual(servers.result.map(pick), [
    ["tcp_only", 300_000, 1_024],
    ["tcp_and_udp", 9_000, 1_024],
  ]);
  assert.deepEqual(
    locals.result[0]!.servers.map(({ udpWeight }) => udpWeight),
    [0, undefined],
  );
});

test("UDP settings that make no sense are refused", () => {
  const cases: [string[], object, RegExp][] = [
    [["-u", "-U"], {}, /give -u for TCP and UDP, or -U for UDP only/],
    [["--udp-timeout", "0"], {}, /--udp-timeout: expected seconds/],
    [["--udp-max-associations", "0"], {}, /expected a whole number, 1 or more/],
    [
      [],
      { mode: "both" },
      /mode is "both", expected "tcp_only", "udp_only" or "tcp_and_udp"/,
    ],
    [[], { udp_timeout: "soon" }, /udp_timeout is "soon", expected seconds/],
  ];
  for (const [argv, file, message] of cases) {
    assert.throws(
      () => udp(argv, file),
      (error) => error instanceof ConfigError && message.test(error.message),
    );
  }
});
