/**
 * Options for choosing and probing the servers of a group.
 *
 * @module
 */
import type { Endpoint } from "../../../transport.ts";
import {
  LATENCY_TOLERANCE_MS,
  MIN_DWELL_MS,
  PROBE_INTERVAL_MS,
  PROBE_TIMEOUT_MS,
} from "../../../limits.ts";
import type { PolicyName } from "./policies/policy.ts";

/**
 * When servers are probed: if a decision needs it, at every interval, or never.
 */
export type ProbeMode = "auto" | "always" | "never";

/** Every {@link ProbeMode}. */
export const PROBE_MODES: readonly ProbeMode[] = ["auto", "always", "never"];

/** The target of probes through the server. */
export interface ProbeTarget extends Endpoint {
  /** The path of the `HEAD` request, starting with a slash. */
  readonly path: string;
}

/** The options of a group of servers. */
export interface GroupOptions {
  /** The policy for TCP; default `failover`. */
  readonly policy: PolicyName;
  /**
   * The policy for UDP; default `follow`: the server of TCP, if it can serve
   * UDP.
   */
  readonly udpPolicy: PolicyName | "follow";
  /** The cases in which servers are probed; default `auto`. */
  readonly probe: ProbeMode;
  /**
   * The target of probes; default `none`: a name that cannot exist, so that no
   * third party is contacted.
   */
  readonly probeTarget: ProbeTarget | "none";
  /** Milliseconds between two probes of a server that works; default 60,000. */
  readonly probeIntervalMs: number;
  /** Milliseconds a probe may take; default 5,000. */
  readonly probeTimeoutMs: number;
  /** Milliseconds by which another server must be faster; default 50. */
  readonly toleranceMs: number;
  /** The least milliseconds that a server stays in use; default 30,000. */
  readonly minDwellMs: number;
}

/** The defaults. */
export const GROUP_DEFAULTS: GroupOptions = {
  policy: "failover",
  udpPolicy: "follow",
  probe: "auto",
  probeTarget: "none",
  probeIntervalMs: PROBE_INTERVAL_MS,
  probeTimeoutMs: PROBE_TIMEOUT_MS,
  toleranceMs: LATENCY_TOLERANCE_MS,
  minDwellMs: MIN_DWELL_MS,
};
