/**
 * What there is to see of the servers of a group. Plain data.
 *
 * @module
 */
import type { DialCounts } from "../../../dial_times.ts";
import type { ErrorCode } from "../../../errors.ts";
import type { HealthState } from "./health.ts";

/** Health of one server, for TCP or for UDP. */
export interface HealthStatus {
  /** `disabled`: the server, or its weight for this transport is 0. */
  readonly state: HealthState | "disabled";
  /** Milliseconds that connects take; not set before the first. */
  readonly connectMs?: number;
  /** Milliseconds that probes take; not set before the first. */
  readonly probeMs?: number;
  /** Share of the last tries that failed, 0 to 1. */
  readonly failureRate: number;
  /** Why the last failure was one; not set without one. */
  readonly lastErrorCode?: ErrorCode;
  /** Milliseconds since 1970 when the state began. */
  readonly sinceUnixMs: number;
  /**
   * When the server is tried again; set while it is not `up`, and there are
   * others that are used meanwhile.
   */
  readonly nextTryUnixMs?: number;
}

/** Why another server was taken. */
export type SwitchReason =
  | "down"
  | "suspect"
  | "latency"
  | "pinned"
  | "recovered";

/** One server. */
export interface GroupServerStatus {
  /** Names it in the log, the metrics and the API. */
  readonly name: string;
  /** `host:port`. */
  readonly address: string;
  /** Cipher. */
  readonly method: string;
  /** Share it has beside others for TCP, 0 to 1. */
  readonly tcpWeight: number;
  /** Share for UDP, as `tcpWeight` is for TCP. */
  readonly udpWeight: number;
  /** The health for streams. */
  readonly tcp: HealthStatus;
  /** The health for datagrams. */
  readonly udp: HealthStatus;
  /** True if the last connection went there. */
  readonly selected: boolean;
  /** True if all go there, by order of the operator. */
  readonly pinned: boolean;
  /** True if the operator has taken it out. */
  readonly disabled: boolean;
  /** Streams that are open. */
  readonly open: number;
  /** Payload bytes to it since the start. */
  readonly bytesUp: number;
  /** Payload bytes from it since the start. */
  readonly bytesDown: number;
  /** Times of successful connects since the start. */
  readonly connects: DialCounts;
  /** Connects since the start by what became of them: `ok`, or a code. */
  readonly results: Readonly<Record<string, number>>;
  /** Probes since the start, likewise. */
  readonly probes: Readonly<Record<string, number>>;
  /** The number of times it took the place of another server, by reason. */
  readonly switches: Readonly<Partial<Record<SwitchReason, number>>>;
}
