/**
 * How the servers of a group are chosen and probed.
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

/** The times of probes: where it matters, at every interval, or never. */
export type ProbeMode = "auto" | "always" | "never";

/** Every {@link ProbeMode}. */
export const PROBE_MODES: readonly ProbeMode[] = ["auto", "always", "never"];

/** The target of a probe through the server. */
export interface ProbeTarget extends Endpoint {
  /** The path of the `HEAD` request, beginning with a slash. */
  readonly path: string;
}

/** The options of a group of servers. */
export interface GroupOptions {
  /** The policy; default `failover`. */
  readonly policy: PolicyName;
  /**
   * The policy for UDP; default `follow`: the server of TCP, if that can serve
   * UDP.
   */
  readonly udpPolicy: PolicyName | "follow";
  /** The probes; default `auto`. */
  readonly probe: ProbeMode;
  /**
   * The target of probes; default `none`: a name that cannot exist, which asks
   * no third party.
   */
  readonly probeTarget: ProbeTarget | "none";
  /** Milliseconds between two probes of a server that works; default 60,000. */
  readonly probeIntervalMs: number;
  /** Milliseconds a probe may take; default 5,000. */
  readonly probeTimeoutMs: number;
  /** Milliseconds by which another server must be faster; default 50. */
  readonly toleranceMs: number;
  /** Milliseconds a server stays in use at least; default 30,000. */
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
