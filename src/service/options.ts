/**
 * How either end serves. The caller may leave any of it out; the
 * start puts the defaults in, and nothing behind it knows them.
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

/** Which of both a role serves; the names are those of configuration files. */
export type Mode = "tcp_only" | "udp_only" | "tcp_and_udp";

/** Every {@link Mode}. */
export const MODES: readonly Mode[] = ["tcp_only", "udp_only", "tcp_and_udp"];

/** The options of UDP. */
export interface UdpOptions {
  /** Milliseconds without a datagram; default 300,000. */
  readonly udpTimeoutMs: number;
  /** Flows at once, as far as the descriptors allow; default 1,024. */
  readonly maxFlows: number;
}

/** The options of accepting. */
export interface AcceptOptions {
  /** Open at once, as far as the descriptors allow; default 16,384. */
  readonly maxConnections: number;
  /** Connections of one client address at once; default `Infinity`. */
  readonly maxConnectionsPerHost: number;
  /**
   * Addresses, or `IP/BITS`, of proxies that name their clients by the PROXY
   * protocol; from there it is required. Default: none.
   */
  readonly proxyFrom: readonly string[];
}

/** The options of a service. */
export interface ServiceOptions extends UdpOptions, AcceptOptions {
  /** The networks; default `tcp_only`. UDP is on the port of TCP. */
  readonly mode: Mode;
  /** True if BIND is served, which both ends must know; default false. */
  readonly bind: boolean;
  /** Milliseconds without a byte, `Infinity` for no limit; default 300,000. */
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
