/**
 * Settings of every service, of both roles.
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
  settings,
  written,
} from "./setting.ts";

const CIDR: Kind<string> = textAs({
  value: "CIDR",
  expected: "an IP address, or IP/BITS",
  read: (text) => parseCidr(text) && text,
});

/** The table of {@link ServiceOptions}. */
export const SERVICE: Settings<ServiceOptions> = settings(
  { reload: "listens" },
  {
    mode: {
      key: "mode",
      places: EVERYWHERE,
      kind: choice("MODE", MODES),
      default: SERVICE_DEFAULTS.mode,
      help: "Serve TCP, UDP (-U) or both (-u)",
    },
    udpTimeoutMs: {
      name: "udp_timeout",
      places: EVERYWHERE,
      kind: SECONDS,
      default: SERVICE_DEFAULTS.udpTimeoutMs,
      help:
        "Forget a UDP client after this time without a datagram in either direction",
    },
    maxFlows: {
      name: "udp_max_associations",
      places: EVERYWHERE,
      kind: COUNT,
      default: SERVICE_DEFAULTS.maxFlows,
      help:
        "Maximum of UDP clients; a new one replaces the one that was idle " +
        "longest; lower if there are few file descriptors",
    },
    idleTimeoutMs: {
      name: "timeout",
      places: OF_SERVER,
      short: "t",
      kind: SECONDS_OR_NEVER,
      default: SERVICE_DEFAULTS.idleTimeoutMs,
      help: "Close a connection after this time without a byte; 0 for never",
      reload: "adopts",
    },
    connectTimeoutMs: {
      name: "connect_timeout",
      kind: SECONDS,
      default: SERVICE_DEFAULTS.connectTimeoutMs,
      help: "Time limit to connect, including the resolution of the name",
      reload: "adopts",
    },
    maxConnections: {
      name: "max_connections",
      kind: COUNT,
      default: SERVICE_DEFAULTS.maxConnections,
      help: "Maximum of open connections; less if the system's limit is lower",
    },
    maxConnectionsPerHost: {
      name: "max_connections_per_host",
      kind: COUNT,
      default: SERVICE_DEFAULTS.maxConnectionsPerHost,
      usual: "no limit",
      help: "Maximum of open connections of one client address",
    },
    proxyFrom: {
      name: "proxy_from",
      places: OF_SERVER,
      kind: several(CIDR),
      default: SERVICE_DEFAULTS.proxyFrom,
      usual: "none",
      role: "server",
      help:
        "Balancers that send the PROXY protocol with the address of the client; " +
        "connections from them must have it",
    },
    bind: {
      name: "bind",
      kind: SWITCH,
      default: SERVICE_DEFAULTS.bind,
      help:
        "Serve SOCKS5 BIND: the server accepts one connection at a time on a " +
        "port for a client; both ends must be Umbra with --bind",
      reload: "adopts",
    },
  },
);

/** The letters are those of libev; shadowsocks-rust swaps them. */
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
    help: "Relay UDP only",
  },
};

/**
 * Returns the longest timeout of a local's servers: a local has one timeout for
 * all.
 */
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

/** Describes the settings of a service, with a name and a value each. */
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
    ["", `at most ${maxConnectionsPerHost} from one address`],
    mode !== "tcp_only" && [
      "UDP",
      `at most ${maxFlows} clients, forgotten after ` +
      `${seconds("udpTimeoutMs")} without a datagram`,
    ],
  ];
  return rows.filter((row) => row !== false);
}
