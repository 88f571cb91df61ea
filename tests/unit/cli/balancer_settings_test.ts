// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type ConfiguredLocal,
  configureLocal,
} from "../../../src/cli/config/config.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import {
  type ListedServer,
  parseOnlineConfig,
} from "../../../src/codec/sip008.ts";
import { ConfigError } from "../../../src/errors.ts";
import { GROUP_DEFAULTS } from "../../../src/service/outbound/servers/options.ts";
import { ROOT } from "../../support/runtimes.ts";
import { sourcesOf } from "../../support/sources.ts";

const SUBSCRIPTIONS = join(ROOT, "tests", "data", "subscriptions");

const ONE = {
  server: "192.0.2.1",
  server_port: 1,
  password: "x",
  method: "chacha20-ietf-poly1305",
};

function load(
  file: object,
  argv: readonly string[] = [],
): { readonly local: ConfiguredLocal; readonly warnings: readonly string[] } {
  const args = parseArguments(findCommand("local")!, ["-c", "f", ...argv]);
  const text = JSON.stringify(file);
  const { result, warnings } = configureLocal(args, sourcesOf(() => text));
  return { local: result[0]!, warnings };
}

function shares({ servers }: ConfiguredLocal): unknown[] {
  return servers.map((
    { name, tcpWeight, udpWeight },
  ) => [name, tcpWeight, udpWeight]);
}

test("the balancer of shadowsocks-rust is read as it is", () => {
  const path = join(SUBSCRIPTIONS, "rust-balancer.json");
  const { local, warnings } = load(JSON.parse(readFileSync(path, "utf8")));
  assert.deepEqual(warnings, []);
  assert.deepEqual(shares(local), [
    ["near-1", 1, 0.5],
    [undefined, 0.6, 0],
  ]);
  assert.deepEqual(local.balancer, {
    ...GROUP_DEFAULTS,
    policy: "latency",
    probeIntervalMs: 10_000,
    probeTimeoutMs: 5_000,
  });
});

test("the weights, mode and ids of SIP008 are read", () => {
  const text = readFileSync(join(SUBSCRIPTIONS, "sip008.json"), "utf8");
  const { servers, warnings } = parseOnlineConfig(text);
  assert.deepEqual(warnings, []);
  assert.deepEqual(
    (servers as ListedServer[]).map((
      { id, mode, tcpWeight, udpWeight },
    ) => [id?.slice(0, 4), mode, tcpWeight, udpWeight]),
    [
      ["27b8", undefined, undefined, undefined],
      ["7842", "tcp_only", 0.5, 0],
    ],
  );
});

test("a balancer has our keys, and options beat them", () => {
  const balancer = {
    policy: "hash",
    udp_policy: "random",
    probe: "always",
    probe_target: "http://probe.example.test/x",
    probe_interval: 30,
    probe_timeout: "2.5",
    tolerance_ms: 0,
    min_dwell: 5,
  };
  const { local } = load({ ...ONE, balancer });
  assert.deepEqual(local.balancer, {
    policy: "hash",
    udpPolicy: "random",
    probe: "always",
    probeTarget: { host: "probe.example.test", port: 80, path: "/x" },
    probeIntervalMs: 30_000,
    probeTimeoutMs: 2_500,
    toleranceMs: 0,
    minDwellMs: 5_000,
  });
  const argv = [
    ...["--policy", "round-robin", "--probe", "never"],
    ...["--probe-target", "none"],
  ];
  const { policy, probe, probeTarget } =
    load({ ...ONE, balancer }, argv).local.balancer;
  assert.deepEqual([policy, probe, probeTarget], [
    "round-robin",
    "never",
    "none",
  ]);
});

test("an empty balancer changes nothing", () => {
  assert.deepEqual(
    load({ ...ONE, balancer: {} }).local.balancer,
    GROUP_DEFAULTS,
  );
});

test("remarks name a server only where no other has the same", () => {
  const servers = [
    { ...ONE, remarks: "a" },
    { ...ONE, remarks: "b" },
    { ...ONE, remarks: "b" },
    { ...ONE, remarks: "b", id: "c" },
  ];
  assert.deepEqual(
    load({ servers }).local.servers.map(({ name }) => name),
    ["a", undefined, undefined, "c"],
  );
});

test("what is wrong with several servers is said", () => {
  const cases: [object, RegExp][] = [
    [
      { servers: [ONE, { ...ONE, tcp_weight: 2 }] },
      /^f:1:\d+: servers\[1\]\.tcp_weight is 2, expected a number from 0 to 1$/,
    ],
    [
      { ...ONE, balancer: { policy: "best" } },
      /balancer\.policy is "best", expected failover, latency, round-robin, random or hash$/,
    ],
    [
      { ...ONE, balancer: { check_interval: 10, check_best_interval: 11 } },
      /balancer\.check_best_interval is 11, expected at most check_interval \(10\)$/,
    ],
    [
      { servers: [{ ...ONE, tcp_weight: 0 }] },
      /^f: no server is left: every one is disabled or has weight 0 for TCP$/,
    ],
    [
      { mode: "udp_only", servers: [{ ...ONE, udp_weight: 0 }] },
      /^f: no server is left: every one is disabled or has weight 0 for UDP$/,
    ],
    [
      { ...ONE, balancer: { probe_target: "https://example.test/" } },
      /balancer\.probe_target is "https:.*", expected "none" or an http:\/\/ address$/,
    ],
    [
      { ...ONE, balancer: { probe_interval: 1, check_interval: 1 } },
      /means the same as/,
    ],
  ];
  for (const [file, message] of cases) {
    assert.throws(
      () => load(file),
      (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(error.message, message);
        return true;
      },
    );
  }
});

test("no server for UDP is a warning, and unknown keys are", () => {
  const { warnings } = load({
    mode: "tcp_and_udp",
    servers: [{ ...ONE, udp_weight: 0 }],
    balancer: { tolerance: 5 },
  });
  assert.deepEqual(warnings.map((line) => line.replace(/:\d+:\d+/, "")), [
    'f: balancer.tolerance is unknown and ignored; did you mean "tolerance_ms"?',
    "f: no server is left: every one is disabled or has weight 0 for UDP",
  ]);
});
