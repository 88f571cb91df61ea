/**
 * The status of the servers of a group. Plain data.
 *
 * @module
 */
import type { DialCounts } from "../../../dial_times.ts";
import type { ErrorCode } from "../../../errors.ts";
import type { HealthState } from "./health.ts";

/** The health of one server, for TCP or for UDP. */
export interface HealthStatus {
  /**
   * `disabled` if the server is disabled, or its weight for this network is 0.
   */
  readonly state: HealthState | "disabled";
  /** Average milliseconds of connects; not set before the first. */
  readonly connectMs?: number;
  /** Average milliseconds of probes; not set before the first. */
  readonly probeMs?: number;
  /** Share of the last tries that failed, 0 to 1. */
  readonly failureRate: number;
  /** The code of the last failure; not set if there was none. */
  readonly lastErrorCode?: ErrorCode;
  /** The start of the state; milliseconds since 1970. */
  readonly sinceUnixMs: number;
  /**
   * The time of the next try; milliseconds since 1970. Set while the state is
   * not `up` and there are other servers.
   */
  readonly nextTryUnixMs?: number;
}

/** Why a server was replaced. */
export type SwitchReason =
  | "down"
  | "suspect"
  | "latency"
  | "pinned"
  | "recovered";

/** The status of one server. */
export interface GroupServerStatus {
  /** The name in the log, the metrics and the API. */
  readonly name: string;
  /** The address, as `host:port`. */
  readonly address: string;
  /** The cipher. */
  readonly method: string;
  /** Share for TCP among the servers, 0 to 1. */
  readonly tcpWeight: number;
  /** Share for UDP among the servers, 0 to 1. */
  readonly udpWeight: number;
  /** The health for streams. */
  readonly tcp: HealthStatus;
  /** The health for datagrams. */
  readonly udp: HealthStatus;
  /** True if the last connection used it. */
  readonly selected: boolean;
  /** True if the operator has pinned it, so that everything uses it. */
  readonly pinned: boolean;
  /** True if the operator has disabled it. */
  readonly disabled: boolean;
  /** Open streams. */
  readonly open: number;
  /** Payload bytes sent to it since the start. */
  readonly bytesUp: number;
  /** Payload bytes received from it since the start. */
  readonly bytesDown: number;
  /** Durations of successful connects since the start. */
  readonly connects: DialCounts;
  /** Connects since the start by result: `ok`, or an error code. */
  readonly results: Readonly<Record<string, number>>;
  /** Probes since the start by result. */
  readonly probes: Readonly<Record<string, number>>;
  /** Number of times it replaced another server, by reason. */
  readonly switches: Readonly<Partial<Record<SwitchReason, number>>>;
}
