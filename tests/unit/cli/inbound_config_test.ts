// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import {
  findCommand,
  impliedCommand,
} from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureRedir,
  configureServer,
  configureTunnel,
} from "../../../src/cli/config/config.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { LocalOptions } from "../../../src/service/inbound/local.ts";
import { sourcesOf } from "../../support/sources.ts";

const SERVER = ["-s", "192.0.2.1:8388", "-k", "pw"];
const FILE = {
  server: "192.0.2.1",
  server_port: 8388,
  password: "pw",
  method: "chacha20-ietf-poly1305",
};

function local(argv: string[], file: unknown = {}): LocalOptions[] {
  const args = parseArguments(findCommand("local")!, argv);
  return configureLocal(args, sourcesOf(() => JSON.stringify(file))).result;
}

function tunnel(argv: string[], file: unknown = {}): LocalOptions[] {
  const args = parseArguments(findCommand("tunnel")!, argv);
  return configureTunnel(args, sourcesOf(() => JSON.stringify(file))).result;
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

test("configureLocal() takes --protocol, and nothing it does not know", () => {
  assert.equal(local(SERVER)[0]!.protocol, undefined);
  for (const protocol of ["mixed", "socks", "http"] as const) {
    const [options] = local([...SERVER, "--protocol", protocol]);
    assert.equal(options!.protocol, protocol);
  }
  refuses(
    () => local([...SERVER, "--protocol", "tunnel"]),
    /--protocol.*tunnel has a command of its own/,
  );
});

test("configureLocal() reads the protocols of rust's locals", () => {
  const locals = [
    { local_port: 1, protocol: "socks" },
    { local_port: 2, protocol: "http" },
    {
      local_port: 3,
      protocol: "tunnel",
      forward_address: "db.example",
      forward_port: 5432,
      socks5_auth_config_path: undefined,
    },
    { local_port: 4 },
  ];
  const result = local(["-c", "f"], { ...FILE, locals });
  assert.deepEqual(result.map((one) => one.protocol), [
    "socks",
    "http",
    { tunnelTo: { host: "db.example", port: 5432 } },
    undefined,
  ]);
});

test("configureLocal() wants host and port of a tunnel", () => {
  const file = (entry: object): unknown => ({
    ...FILE,
    locals: [{ local_port: 3, protocol: "tunnel", ...entry }],
  });
  refuses(
    () => local(["-c", "f"], file({ forward_port: 1 })),
    /locals\[0\]\.forward_address is missing/,
  );
  refuses(
    () => local(["-c", "f"], file({ forward_address: "a" })),
    /locals\[0\]\.forward_port is missing/,
  );
  refuses(
    () => local(["-c", "f"], file({ forward_address: "a", forward_port: 0 })),
    /locals\[0\]\.forward_port is 0, expected a port/,
  );
});

test("configureTunnel() takes its target from -L, or libev's tunnel_address", () => {
  const flags = tunnel([...SERVER, "-L", "[::1]:53", "-l", "5353"]);
  assert.deepEqual(flags[0]!.protocol, { tunnelTo: { host: "::1", port: 53 } });
  assert.deepEqual(flags[0]!.listen, { host: "127.0.0.1", port: 5353 });
  const file = { ...FILE, local_port: 9, tunnel_address: "dns.example:53" };
  const target = { host: "dns.example", port: 53 };
  assert.deepEqual(tunnel(["-c", "f"], file)[0]!.protocol, {
    tunnelTo: target,
  });
  const both = tunnel(["-c", "f", "-L", "192.0.2.7:22"], file);
  assert.deepEqual(both[0]!.protocol, {
    tunnelTo: { host: "192.0.2.7", port: 22 },
  });
});

test("configureTunnel() refuses to start without a complete target", () => {
  refuses(() => tunnel(SERVER), /No target for the tunnel: give -L/);
  for (const text of ["host", "host:0", ":1", "::1"]) {
    refuses(
      () => tunnel([...SERVER, "-L", text]),
      /--tunnel-address: expected HOST:PORT/,
    );
  }
});

test("configureTunnel() and configureLocal() tell tunnels how UDP is served", () => {
  const L = ["-L", "192.0.2.53:53"];
  assert.equal(tunnel([...SERVER, ...L])[0]!.mode, "tcp_only");
  assert.equal(tunnel([...SERVER, ...L, "-u"])[0]!.mode, "tcp_and_udp");
  const file = { ...FILE, mode: "tcp_and_udp" };
  const alone = tunnel(["-c", "f", ...L, "-U", "--udp-timeout", "9"], file);
  assert.deepEqual([alone[0]!.mode, alone[0]!.udpTimeoutMs], [
    "udp_only",
    9_000,
  ]);
  const entry = {
    protocol: "tunnel",
    forward_address: "192.0.2.53",
    forward_port: 53,
  };
  const locals = [
    { ...entry, local_port: 53, mode: "udp_only" },
    { ...entry, local_port: 54 },
  ];
  assert.deepEqual(
    local(["-c", "f"], { ...file, locals }).map(({ mode }) => mode),
    ["udp_only", "tcp_and_udp"],
  );
});

test("configureLocal() and configureServer() serve BIND only with --bind", () => {
  assert.equal(local(SERVER)[0]!.bind, false);
  assert.equal(local([...SERVER, "--bind"])[0]!.bind, true);
  const server = (...argv: string[]): boolean | undefined => {
    const all = ["-p", "8388", "-k", "pw", ...argv];
    const args = parseArguments(findCommand("server")!, all);
    return configureServer(args, sourcesOf(() => "")).result[0]!.bind;
  };
  assert.equal(server(), false);
  assert.equal(server("--bind"), true);
});

test("impliedCommand() knows ss-tunnel", () => {
  assert.equal(impliedCommand(["/usr/bin/ss-tunnel"])?.name, "tunnel");
});

test("sniffing is off for a local, on for redir, and said for one or for all", () => {
  const sniffs = (argv: string[], file: unknown = {}) =>
    local([...SERVER, ...argv], file).map(({ sniff }) => sniff?.override);
  assert.deepEqual(sniffs([]), [undefined]);
  assert.deepEqual(sniffs(["--sniff", "on"]), [false]);
  assert.deepEqual(
    sniffs(["--sniff", "on", "--sniff-override", "on"]),
    [true],
  );
  refuses(() => sniffs(["--sniff", "yes"]), /--sniff.*on or off/);
  const locals = [
    { local_port: 1 },
    { local_port: 2, sniff: false },
    { local_port: 3, sniff_override: true },
    {
      local_port: 4,
      protocol: "tunnel",
      forward_address: "192.0.2.7",
      forward_port: 22,
    },
  ];
  assert.deepEqual(
    sniffs(["-c", "f"], { sniff: true, locals }),
    [false, undefined, true, undefined],
  );
  refuses(
    () => sniffs(["-c", "f"], { sniff: "on" }),
    /sniff is "on", expected true or false/,
  );
  const redir = (argv: string[]) => {
    const args = parseArguments(findCommand("redir")!, [...SERVER, ...argv]);
    const { result } = configureRedir(args, sourcesOf(() => "{}"));
    return result[0]!.sniff;
  };
  assert.deepEqual(redir([]), { override: false });
  assert.equal(redir(["--sniff", "off"]), undefined);
});
