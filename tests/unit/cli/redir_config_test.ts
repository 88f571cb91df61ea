// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
/**
 * Configuration files of both peers' redirecting locals, read as they are.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { describeConfig } from "../../../src/cli/config/check_config.ts";
import {
  type ConfiguredLocal,
  type ConfiguredRole,
  configureLocal,
  configureRedir,
} from "../../../src/cli/config/config.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { ConfigError } from "../../../src/errors.ts";
import { sourcesOf } from "../../support/sources.ts";

/** As ss-redir of libev has it. */
const LIBEV = {
  server: ["192.0.2.7", "2001:db8::7"],
  ...{ server_port: 8388, password: "secret", method: "aes-256-gcm" },
  ...{ local_address: "0.0.0.0", local_port: 1234, timeout: 60 },
  mode: "tcp_and_udp",
};

/** As sslocal of rust has it, with another local beside it. */
const RUST = {
  locals: [
    { local_address: "127.0.0.1", local_port: 1080, protocol: "socks" },
    {
      ...{ local_address: "::", local_port: 60080, protocol: "redir" },
      ...{ mode: "tcp_and_udp", tcp_redir: "tproxy", udp_redir: "tproxy" },
    },
    { local_port: 60081, protocol: "redir" },
  ],
  ...{ server: "192.0.2.7", server_port: 8388, password: "secret" },
  method: "aes-256-gcm",
};

type Configure = typeof configureLocal;

function run(
  configure: Configure,
  command: string,
  file: unknown,
  ...argv: readonly string[]
): ConfiguredRole<ConfiguredLocal[]> {
  const args = parseArguments(findCommand(command)!, ["-c", "f", ...argv]);
  return configure(args, sourcesOf(() => JSON.stringify(file)));
}

const redir = run.bind(undefined, configureRedir, "redir");
const local = run.bind(undefined, configureLocal, "local");

/** What listens where, and what comes there. */
const served = ({ result }: ConfiguredRole<ConfiguredLocal[]>) =>
  result.map((
    { listen, redirected },
  ) => [listen.host, listen.port, redirected]);

test("a file of libev's ss-redir is read as it is", () => {
  assert.deepEqual(served(redir(LIBEV)), [["0.0.0.0", 1234, "redirect"]]);
  const { warnings, result, operator } = redir({ ...LIBEV, tcp_tproxy: true });
  assert.deepEqual(warnings, []);
  assert.equal(result[0]!.redirected, "tproxy");
  assert.equal(result[0]!.mode, "tcp_and_udp");
  assert.equal(operator.transport, "linux");
  const off = { ...LIBEV, tcp_tproxy: false };
  assert.equal(redir(off).result[0]!.redirected, "redirect");
  assert.equal(local(off).result[0]!.redirected, undefined);
  // The command line beats the file.
  assert.equal(redir(off, "-T").result[0]!.redirected, "tproxy");
});

test("a file of rust's sslocal is read as it is, by local and by redir", () => {
  const all = local(RUST);
  assert.deepEqual(all.warnings, []);
  assert.deepEqual(served(all), [
    ["127.0.0.1", 1080, undefined],
    ["::", 60080, "tproxy"],
    ["::", 60081, "redirect"],
  ]);
  assert.equal(all.operator.transport, "linux");
  assert.deepEqual(served(redir(RUST)), served(all).slice(1));
  const top = { ...LIBEV, protocol: "redir", tcp_redir: "tproxy" };
  assert.deepEqual(served(local(top)), [["0.0.0.0", 1234, "tproxy"]]);
});

test("a local that is redirected to has no password and no PAC file", () => {
  const file = { ...LIBEV, protocol: "redir", pac: true };
  const [one] = local(file, "--socks-user", "a:b").result;
  assert.deepEqual([one!.users, one!.pac], [undefined, undefined]);
});

test("what asks to be redirected to and is not is refused by name", () => {
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => local({ ...LIBEV, tcp_tproxy: true }), /"protocol": "redir"/],
    [() => local({ ...LIBEV, tcp_redir: "tproxy" }), /umbra redir/],
    [() => local({ ...LIBEV, tcp_redir: "pf" }), /tcp_redir is "pf"/],
    [
      () => redir({ ...LIBEV, udp_redir: "redirect" }),
      /udp_redir is "redirect"/,
    ],
    [() => local({ ...RUST, transport: "runtime" }), /"transport": "runtime"/],
    [() => redir(LIBEV, "--transport", "runtime"), /--transport runtime/],
  ];
  for (const [configure, message] of cases) {
    assert.throws(configure, (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.match(error.message, message);
      return true;
    });
  }
});

test("check config tells what is redirected", () => {
  const args = parseArguments(findCommand("check")!, ["config", "f"]);
  const cases = [
    [RUST, /ss-redir \[::\]:60080\n +takes +TCP by tproxy/],
    [{ ...LIBEV, tcp_tproxy: true }, /ss-redir 0\.0\.0\.0:1234\n +takes/],
    [LIBEV, /ss-local 0\.0\.0\.0:1234\n/],
  ] as const;
  for (const [file, expected] of cases) {
    const sources = sourcesOf(() => JSON.stringify(file));
    const { text, isFit } = describeConfig("f", args, sources);
    assert.ok(isFit, text);
    assert.match(text, expected);
  }
});
