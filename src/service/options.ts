/**
 * The options that both roles share. Callers may leave options out; only the
 * start of a role applies the defaults.
 *
 * @module
 */
import {
  CONNECT_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
  MAX_CONNECTIONS,
  MAX_UDP_FLOWS,
  UDP_TIMEOUT_MS,
} from "../limits.ts";

/**
 * The networks that a role serves; the names are those of configuration files.
 */
export type Mode = "tcp_only" | "udp_only" | "tcp_and_udp";

/** Every {@link Mode}. */
export const MODES: readonly Mode[] = ["tcp_only", "udp_only", "tcp_and_udp"];

/** The options of UDP. */
export interface UdpOptions {
  /** Milliseconds without a datagram until a flow ends; default 300,000. */
  readonly udpTimeoutMs: number;
  /** Flows open at once, if there are enough descriptors; default 1,024. */
  readonly maxFlows: number;
}

/** The options of accepting. */
export interface AcceptOptions {
  /**
   * Connections open at once, if there are enough descriptors; default 16,384.
   */
  readonly maxConnections: number;
  /** Connections of one client address at once; default `Infinity`. */
  readonly maxConnectionsPerHost: number;
  /**
   * Addresses, or `IP/BITS`, of proxies that must send the PROXY protocol
   * header. Default: none.
   */
  readonly proxyFrom: readonly string[];
}

/** The options of a service. */
export interface ServiceOptions extends UdpOptions, AcceptOptions {
  /** The networks; default `tcp_only`. UDP uses the port of TCP. */
  readonly mode: Mode;
  /** True if BIND is served, which both sides must support; default false. */
  readonly bind: boolean;
  /**
   * Milliseconds without a byte until a connection is closed, or `Infinity`;
   * default 300,000.
   */
  readonly idleTimeoutMs: number;
  /** Milliseconds to resolve and connect; default 10,000. */
  readonly connectTimeoutMs: number;
}

/** The defaults. */
export const SERVICE_DEFAULTS: ServiceOptions = {
  mode: "tcp_only",
  bind: false,
  idleTimeoutMs: IDLE_TIMEOUT_MS,
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  udpTimeoutMs: UDP_TIMEOUT_MS,
  maxFlows: MAX_UDP_FLOWS,
  maxConnections: MAX_CONNECTIONS,
  maxConnectionsPerHost: Infinity,
  proxyFrom: [],
};
