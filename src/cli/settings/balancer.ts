/**
 * Settings of several servers: which one is used, and how they are probed, with
 * the keys of shadowsocks-rust.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { MAX_LATENCY_TOLERANCE_MS } from "../../limits.ts";
import {
  GROUP_DEFAULTS,
  type GroupOptions,
  PROBE_MODES,
  type ProbeTarget,
} from "../../service/outbound/servers/options.ts";
import { POLICY_NAMES } from "../../service/outbound/servers/policies/policy.ts";
import { readHostAndPort } from "../config/values.ts";
import {
  alternatives,
  choice,
  object,
  SECONDS,
  text,
  textAs,
  whole,
} from "./kinds.ts";
import { type Kind, type Place, type Settings, settings } from "./setting.ts";

/** The key of the object with the keys below. */
export const BALANCING: Settings<{ readonly balancer: object }> = {
  balancer: {
    key: "balancer",
    kind: object({ $ref: "#/$defs/balancer" }, "an object"),
    role: "local",
    help: "Which of several servers a local uses; see below",
    reload: "adopts",
  },
};

const OF_BALANCER: readonly Place[] = ["balancer"];

const UDP_POLICIES = ["follow", ...POLICY_NAMES] as const;

/** An address that answers `HEAD` requests, or none. */
const PROBE_TARGET: Kind<ProbeTarget | "none"> = textAs({
  value: "URL",
  expected: '"none" or an http:// address',
  read: (text) => text === "none" ? text : readProbeTarget(text),
  write: (target) =>
    target === "none"
      ? target
      : `http://${formatAddress(target)}${target.path}`,
});

/** Which of several servers is used. */
export const BALANCER: Settings<GroupOptions> = settings({
  places: OF_BALANCER,
  reload: "adopts",
}, {
  policy: {
    name: "policy",
    kind: choice("POLICY", POLICY_NAMES, alternatives(POLICY_NAMES)),
    default: GROUP_DEFAULTS.policy,
    help:
      "Which of several servers is used: the one with the highest weight that " +
      "works (`failover`), the fastest (`latency`), each in turn " +
      "(`round-robin`), a random one (`random`), or the same one for each " +
      "site (`hash`)",
  },
  udpPolicy: {
    key: "udp_policy",
    kind: choice("POLICY", UDP_POLICIES, alternatives(UDP_POLICIES)),
    default: GROUP_DEFAULTS.udpPolicy,
    help: "The same for UDP; `follow` uses the server of TCP",
  },
  probe: {
    name: "probe",
    kind: choice("WHEN", PROBE_MODES, alternatives(PROBE_MODES)),
    default: GROUP_DEFAULTS.probe,
    help: "Probe servers that do not answer or are down, and with `latency` " +
      "servers in use (`auto`), probe all servers at every interval " +
      "(`always`), or `never` probe",
  },
  probeTarget: {
    name: "probe_target",
    kind: PROBE_TARGET,
    default: GROUP_DEFAULTS.probeTarget,
    help: "What a probe requests through the server: an http:// address, or " +
      "`none` for a name that cannot exist, so that no third party is " +
      "contacted",
  },
  probeIntervalMs: {
    key: "probe_interval",
    keyAliases: ["check_interval"],
    kind: SECONDS,
    default: GROUP_DEFAULTS.probeIntervalMs,
    help: "Approximate time between two probes of a server that works",
  },
  probeTimeoutMs: {
    key: "probe_timeout",
    keyAliases: ["max_server_rtt"],
    kind: SECONDS,
    default: GROUP_DEFAULTS.probeTimeoutMs,
    help: "Time limit of a probe",
  },
  toleranceMs: {
    key: "tolerance_ms",
    kind: whole(0, MAX_LATENCY_TOLERANCE_MS, {
      value: "MS",
      type: "milliseconds",
      expected: `milliseconds from 0 to ${MAX_LATENCY_TOLERANCE_MS}`,
    }),
    default: GROUP_DEFAULTS.toleranceMs,
    help: "With `latency`, another server must be faster by more than this",
  },
  minDwellMs: {
    key: "min_dwell",
    kind: SECONDS,
    default: GROUP_DEFAULTS.minDwellMs,
    help: "With `latency`, shortest time for which a working server is used",
  },
});

/** Keys of shadowsocks-rust without an equal key here. */
export const RUST_BALANCER: Settings<{ readonly checkBestMs: number }> = {
  checkBestMs: {
    key: "check_best_interval",
    places: OF_BALANCER,
    kind: SECONDS,
    help: "No effect: the server in use is probed like the others",
    reload: "adopts",
  },
};

const WEIGHT: Kind<number> = {
  value: "WEIGHT",
  type: "number",
  expected: "a number from 0 to 1",
  schema: {
    anyOf: [{ type: "number", minimum: 0, maximum: 1 }, { type: "string" }],
  },
  read: (value) => {
    const number = typeof value === "string" && /^\d*\.?\d+$/.test(value)
      ? Number(value)
      : value;
    return typeof number === "number" && number >= 0 && number <= 1
      ? number
      : undefined;
  },
};

/** Names and weights of the servers of a local. */
export const WEIGHTS: Settings<{
  readonly id: string;
  readonly tcpWeight: number;
  readonly udpWeight: number;
}> = settings({ places: ["server"], reload: "adopts" }, {
  id: {
    key: "id",
    kind: text("TEXT"),
    help:
      "Name of the server in log, metrics and API; by default its remarks " +
      "or its address",
  },
  tcpWeight: {
    key: "tcp_weight",
    kind: WEIGHT,
    default: 1,
    role: "local",
    help:
      "Weight of a server for TCP, 0 to 1; with `failover` the highest is " +
      "used; 0 for none",
  },
  udpWeight: {
    key: "udp_weight",
    kind: WEIGHT,
    default: 1,
    role: "local",
    help: "The same for UDP",
  },
});

function readProbeTarget(text: string): ProbeTarget | undefined {
  const [, authority, path = "/"] =
    /^http:\/\/([^/?#]+)(\/[\x21-\x7e]*)?$/i.exec(text) ?? [];
  const read = authority === undefined ? undefined : readHostAndPort(authority);
  if (read === undefined || read.port === 0) return undefined;
  return { host: read.host, port: read.port ?? 80, path };
}
