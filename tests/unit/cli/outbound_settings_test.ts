// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { systemTransport } from "../../../src/adapters/net/system.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type ConfiguredRole,
  configureLocal,
  configureServer,
  configureTunnel,
} from "../../../src/cli/config/config.ts";
import { checkOutbound } from "../../../src/cli/config/outbound_settings.ts";
import type { OperatorSettings } from "../../../src/cli/config/operator_settings.ts";
import {
  socketOptionsOf,
  trySockets,
} from "../../../src/cli/config/socket_settings.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { OutboundAddresses } from "../../../src/transport.ts";
import { sourcesOf } from "../../support/sources.ts";

const COMMANDS = {
  local: configureLocal,
  tunnel: configureTunnel,
  server: configureServer,
};

function settings(
  command: keyof typeof COMMANDS,
  argv: string[],
  file: object = {},
): ConfiguredRole<unknown> {
  const own = {
    ...{
      server: "192.0.2.1",
      server_port: 1,
      password: "x",
      method: "chacha20-ietf-poly1305",
    },
    tunnel_address: "a:1",
    ...file,
  };
  const args = parseArguments(findCommand(command)!, ["-c", "f", ...argv]);
  const sources = sourcesOf(() => JSON.stringify(own));
  return COMMANDS[command](args, sources);
}

function outbound(
  ...given: Parameters<typeof settings>
): OutboundAddresses | undefined {
  return settings(...given).operator.outbound;
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(
    run,
    (error) => error instanceof ConfigError && message.test(error.message),
  );
}

test("-i takes an address of each family, and beats the file", () => {
  const file = { outbound_bind_addr: "192.0.2.9" };
  for (const command of ["local", "tunnel", "server"] as const) {
    assert.equal(outbound(command, []), undefined);
    assert.deepEqual(outbound(command, [], file), { ipv4: "192.0.2.9" });
    assert.deepEqual(outbound(command, ["-i", "2001:DB8:0::1"], file), {
      ipv6: "2001:db8::1",
    });
    const both = ["-i", "192.0.2.8", "--outbound-bind-addr", "::1"];
    assert.deepEqual(outbound(command, both), {
      ipv4: "192.0.2.8",
      ipv6: "::1",
    });
  }
});

test("libev's names of the same are known", () => {
  assert.deepEqual(outbound("server", ["-b", "192.0.2.8"]), {
    ipv4: "192.0.2.8",
  });
  const file = { local_ipv4_address: "192.0.2.9", local_ipv6_address: "::1" };
  assert.deepEqual(outbound("server", [], file), {
    ipv4: "192.0.2.9",
    ipv6: "::1",
  });
  const empty = { local_ipv4_address: "", local_ipv6_address: "::1" };
  assert.deepEqual(outbound("local", [], empty), { ipv6: "::1" });
});

test("a server warns of libev's local_address, which is ss-local's here", () => {
  const warnings = (local_address: string): readonly string[] => {
    const file = {
      server_port: 1,
      password: "x",
      method: "chacha20-ietf-poly1305",
      local_address,
    };
    const args = parseArguments(findCommand("server")!, ["-c", "f"]);
    return configureServer(args, sourcesOf(() => JSON.stringify(file)))
      .warnings;
  };
  for (const here of ["127.0.0.1", "::1", "0.0.0.0", "::", "localhost"]) {
    assert.deepEqual(warnings(here), []);
  }
  assert.match(warnings("192.0.2.9").join(), /local_address: a server sends/);
});

test("-i refuses interfaces, wildcards, and two of one family", () => {
  const cases: [string[], RegExp][] = [
    [["-i", "a/b"], /addr: expected an IP address.*or the name of an int/],
    [["-i", "eth0"], /interface is not supported.*use --transport linux/],
    [["-i", "0.0.0.0"], /addr: expected an IP address/],
    [["-i", "::"], /expected an IP address/],
    [["-i", "192.0.2.1", "-i", "192.0.2.2"], /one of each family at most/],
  ];
  for (const [argv, message] of cases) {
    refuses(() => outbound("local", argv), message);
  }
  refuses(
    () => outbound("server", [], { outbound_bind_addr: "eth0" }),
    /outbound_bind_addr is "eth0", expected an IP address/,
  );
  refuses(
    () => outbound("server", [], { interface: "eth0" }),
    /f:1:\d+: interface is not supported.*use --transport linux/,
  );
  const servers = [{ server: "a", outbound_bind_addr: "192.0.2.9" }];
  refuses(
    () => outbound("local", [], { servers }),
    /servers\[0\]\.outbound_bind_addr .*set the source address once/,
  );
});

test("options of sockets come of command line and file, and -i takes a name", () => {
  const operator = (argv: string[], file: object = {}): OperatorSettings =>
    settings("local", ["--transport", "linux", ...argv], file).operator;
  const file = {
    outbound_fwmark: 255,
    interface: "eth1",
    keep_alive: 15,
    ipv6_first: true,
    mptcp: false,
  };
  const filed = operator([], file);
  assert.deepEqual(socketOptionsOf(filed), {
    mark: 255,
    interfaceName: "eth1",
    keepAliveMs: 15_000,
  });
  assert.equal(filed.ipv6First, true);
  const chosen = operator(["-i", "eth0", "-i", "192.0.2.1"], file);
  assert.equal(socketOptionsOf(chosen).interfaceName, "eth0");
  assert.deepEqual(chosen.outbound, { ipv4: "192.0.2.1" });
  refuses(
    () => operator(["--outbound-dscp", "64"]),
    /outbound-dscp: expected a whole number from 0 to 63/,
  );
});

test("the sockets of the runtime have none of them: a warning, or a refusal", () => {
  const file = { fast_open: true, mptcp: false, keep_alive: 15 };
  assert.deepEqual(settings("local", ["--mptcp"], file).warnings, [
    "ignored: f:1:123: fast_open: the runtime's sockets do not support it; " +
    "use --transport linux",
    "ignored: --mptcp: the runtime's sockets do not support it; " +
    "use --transport linux",
    "ignored: f:1:155: keep_alive: the runtime's sockets do not support " +
    "it; use --transport linux",
  ]);
  refuses(
    () => settings("server", ["--outbound-fwmark", "1"], file),
    /^--outbound-fwmark is not supported by the runtime's sockets: use/,
  );
});

test("trySockets() refuses what a transport cannot have, by name", async () => {
  const { operator } = settings("local", ["--transport", "linux", "--mptcp"]);
  await assert.rejects(
    trySockets(memoryTransport(), operator, ["no libc"]),
    (error) =>
      error instanceof ConfigError &&
      error.message === "Cannot set mptcp: no libc",
  );
});

test("checkOutbound() takes what works, and leaves nothing open", async () => {
  const here = { ipv4: "127.0.0.1", ipv6: "::1" };
  const network = memoryTransport({ outbound: here });
  await checkOutbound(network, here, { streams: true, datagrams: true });
  assert.deepEqual([network.openListeners, network.openSockets], [0, 0]);
  await checkOutbound(systemTransport(here), { ipv4: here.ipv4 }, {
    streams: false,
    datagrams: true,
  });
});

test("checkOutbound() says that the host has no such address", async () => {
  const elsewhere = { ipv4: "192.0.2.9" };
  const transport = systemTransport(elsewhere);
  for (const streams of [transport.capabilities.outboundAddress, false]) {
    await assert.rejects(
      checkOutbound(transport, elsewhere, {
        streams,
        datagrams: true,
      }),
      (error) =>
        error instanceof ConfigError &&
        /from 192\.0\.2\.9: this host does not have the address/.test(
          error.message,
        ),
    );
  }
});

test("checkOutbound() says what to do, when the transport cannot", async () => {
  const network = memoryTransport();
  const here = { ipv4: "127.0.0.1" };
  const transport = Object.assign(network, {
    capabilities: { ...network.capabilities, outboundAddress: false },
  });
  await assert.rejects(
    checkOutbound(transport, here, { streams: true, datagrams: false }),
    (error) =>
      error instanceof ConfigError &&
      /127\.0\.0\.1: the memory transport cannot .*; use --transport linux, run Umbra/
        .test(error.message),
  );
  assert.equal(network.openListeners, 0);
});
