/**
 * Settings of whatever serves, of both ends.
 *
 * @module
 */
import {
  type Mode,
  MODES,
  SERVICE_DEFAULTS,
  type ServiceOptions,
} from "../../service/options.ts";
import { parseCidr } from "../../security/target_policy.ts";
import {
  choice,
  COUNT,
  SECONDS,
  SECONDS_OR_NEVER,
  several,
  SWITCH,
  textAs,
} from "./kinds.ts";
import type { Said } from "./read.ts";
import {
  EVERYWHERE,
  type Kind,
  OF_SERVER,
  type Settings,
  written,
} from "./setting.ts";

const CIDR: Kind<string> = textAs({
  value: "CIDR",
  type: "string",
  expected: "an IP address, or IP/BITS",
  read: (text) => parseCidr(text) && text,
});

/** The table of them. */
export const SERVICE: Settings<ServiceOptions> = {
  mode: {
    key: "mode",
    places: EVERYWHERE,
    kind: choice("MODE", MODES),
    default: SERVICE_DEFAULTS.mode,
    help: "Serve TCP, UDP (-U) or both (-u)",
    reload: "listens",
  },
  udpTimeoutMs: {
    key: "udp_timeout",
    places: EVERYWHERE,
    flag: "udp-timeout",
    kind: SECONDS,
    default: SERVICE_DEFAULTS.udpTimeoutMs,
    help: "Forget a UDP client from which and to which nothing came this long",
    reload: "listens",
  },
  maxFlows: {
    key: "udp_max_associations",
    places: EVERYWHERE,
    flag: "udp-max-associations",
    kind: COUNT,
    default: SERVICE_DEFAULTS.maxFlows,
    help: "UDP clients at once; the quietest makes room for a new one, and " +
      "there are fewer where descriptors are few",
    reload: "listens",
  },
  idleTimeoutMs: {
    key: "timeout",
    places: OF_SERVER,
    flag: "timeout",
    short: "t",
    kind: SECONDS_OR_NEVER,
    default: SERVICE_DEFAULTS.idleTimeoutMs,
    help:
      "Close a connection on which nothing moves for this long; 0 for never",
    reload: "adopts",
  },
  connectTimeoutMs: {
    key: "connect_timeout",
    flag: "connect-timeout",
    kind: SECONDS,
    default: SERVICE_DEFAULTS.connectTimeoutMs,
    help: "Give up a connection that is not made in this time, its name " +
      "resolved and all",
    reload: "adopts",
  },
  maxConnections: {
    key: "max_connections",
    flag: "max-connections",
    kind: COUNT,
    default: SERVICE_DEFAULTS.maxConnections,
    help: "Connections open at once; fewer where the system's limit is lower",
    reload: "listens",
  },
  maxConnectionsPerHost: {
    key: "max_connections_per_host",
    flag: "max-connections-per-host",
    kind: COUNT,
    default: SERVICE_DEFAULTS.maxConnectionsPerHost,
    usual: "no limit",
    help: "Connections of one client address at once",
    reload: "listens",
  },
  proxyFrom: {
    key: "proxy_from",
    places: OF_SERVER,
    flag: "proxy-from",
    kind: several(CIDR),
    default: SERVICE_DEFAULTS.proxyFrom,
    usual: "none",
    role: "server",
    help: "Balancers that name their clients by the PROXY protocol, which is " +
      "required from there",
    reload: "listens",
  },
  bind: {
    key: "bind",
    flag: "bind",
    kind: SWITCH,
    default: SERVICE_DEFAULTS.bind,
    help: "Serve SOCKS5 BIND: a client has one connection at a time accepted " +
      "on a port of the server; both ends must be Umbra with --bind",
    reload: "adopts",
  },
};

/** The letters are libev's; in shadowsocks-rust they are the other way round. */
export const MODE_SWITCHES: Settings<{
  readonly both: boolean;
  readonly alone: boolean;
}> = {
  both: {
    flag: "udp",
    short: "u",
    kind: SWITCH,
    help: "Relay UDP as well as TCP",
  },
  alone: {
    flag: "udp-only",
    short: "U",
    kind: SWITCH,
    help: "Relay UDP, and no TCP",
  },
};

/** A local has one timeout for all its servers: that of the most patient. */
export function longestTimeout(
  services: readonly (Said<ServiceOptions> | undefined)[],
): Said<ServiceOptions> {
  const known = services.flatMap((service) => service?.idleTimeoutMs ?? []);
  return known.length > 0 ? { idleTimeoutMs: Math.max(...known) } : {};
}

/** The words for each mode. */
export const SERVES: Readonly<Record<Mode, string>> = {
  "tcp_only": "TCP",
  "udp_only": "UDP",
  "tcp_and_udp": "TCP and UDP",
};

/** The settings of a service in words: a name and a value each. */
export function describeService(
  service: ServiceOptions,
): (readonly [name: string, value: string])[] {
  const { mode, maxConnections, maxConnectionsPerHost, maxFlows, proxyFrom } =
    service;
  const seconds = (name: "idleTimeoutMs" | "udpTimeoutMs"): string =>
    `${written(SERVICE[name].kind, service[name])} s`;
  const closed = service.idleTimeoutMs === Infinity
    ? "never closed"
    : `closed after ${seconds("idleTimeoutMs")} without a byte`;
  const rows: readonly (readonly [string, string] | false)[] = [
    ["serves", SERVES[mode]],
    proxyFrom.length > 0 &&
    ["proxies", `${proxyFrom.join(", ")}, by the PROXY protocol`],
    mode !== "udp_only" &&
    ["TCP", `at most ${maxConnections} connections, ${closed}`],
    mode !== "udp_only" && maxConnectionsPerHost !== Infinity &&
    ["", `${maxConnectionsPerHost} of one address`],
    mode !== "tcp_only" && [
      "UDP",
      `at most ${maxFlows} clients, forgotten after ` +
      `${seconds("udpTimeoutMs")} without a datagram`,
    ],
  ];
  return rows.filter((row) => row !== false);
}
