// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { memoryTransport } from "../../../src/adapters/net/memory.ts";
import { systemTransport } from "../../../src/adapters/net/system.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
  configureTunnel,
} from "../../../src/cli/config/config.ts";
import { checkOutbound } from "../../../src/cli/config/outbound_settings.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { OutboundAddresses } from "../../../src/transport.ts";
import { sourcesOf } from "../../support/sources.ts";

const COMMANDS = {
  local: configureLocal,
  tunnel: configureTunnel,
  server: configureServer,
};

function outbound(
  command: keyof typeof COMMANDS,
  argv: string[],
  file: object = {},
): OutboundAddresses | undefined {
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
  return COMMANDS[command](args, sources).operator.outbound;
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
    [["-i", "eth0"], /addr: expected an IP address.*no interface can/],
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
    /the runtimes cannot choose an interface.*outbound_bind_addr/,
  );
  const servers = [{ server: "a", outbound_bind_addr: "192.0.2.9" }];
  refuses(
    () => outbound("local", [], { servers }),
    /servers\[0\]\.outbound_bind_addr .*one address holds for all/,
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
        /from 192\.0\.2\.9: this host has no such address/.test(error.message),
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
