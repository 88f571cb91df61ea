/**
 * Settings of whatever serves, of both ends.
 *
 * @module
 */
import {
  CONNECT_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_UDP_FLOWS,
  UDP_TIMEOUT_MS,
} from "../../limits.ts";
import { type Mode, MODES } from "../../service/udp/udp_service.ts";
import { choice, COUNT, SECONDS, SECONDS_OR_NEVER, SWITCH } from "./kinds.ts";
import { EVERYWHERE, OF_SERVER, type Settings } from "./setting.ts";

/** See the table. */
export interface ServiceSettings {
  readonly mode: Mode;
  readonly udpTimeoutMs: number;
  readonly maxFlows: number;
  readonly idleTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerHost: number;
  readonly bind: boolean;
}

/** The table of them. */
export const SERVICE: Settings<ServiceSettings> = {
  mode: {
    key: "mode",
    places: EVERYWHERE,
    kind: choice("MODE", MODES),
    default: "tcp_only",
    help: "Serve TCP, UDP (-U) or both (-u)",
    reload: "listens",
  },
  udpTimeoutMs: {
    key: "udp_timeout",
    places: EVERYWHERE,
    flag: "udp-timeout",
    kind: SECONDS,
    default: UDP_TIMEOUT_MS,
    help: "Forget a UDP client from which and to which nothing came this long",
    reload: "listens",
  },
  maxFlows: {
    key: "udp_max_associations",
    places: EVERYWHERE,
    flag: "udp-max-associations",
    kind: COUNT,
    default: MAX_UDP_FLOWS,
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
    default: IDLE_TIMEOUT_MS,
    help:
      "Close a connection on which nothing moves for this long; 0 for never",
    reload: "adopts",
  },
  connectTimeoutMs: {
    key: "connect_timeout",
    flag: "connect-timeout",
    kind: SECONDS,
    default: CONNECT_TIMEOUT_MS,
    help: "Give up a connection that is not made in this time, its name " +
      "resolved and all",
    reload: "adopts",
  },
  maxConnections: {
    key: "max_connections",
    flag: "max-connections",
    kind: COUNT,
    default: MAX_CONNECTIONS,
    help: "Connections open at once; fewer where the system's limit is lower",
    reload: "listens",
  },
  maxConnectionsPerHost: {
    key: "max_connections_per_host",
    flag: "max-connections-per-host",
    kind: COUNT,
    default: Infinity,
    usual: "no limit",
    help: "Connections of one client address at once",
    reload: "listens",
  },
  bind: {
    key: "bind",
    flag: "bind",
    kind: SWITCH,
    default: false,
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
