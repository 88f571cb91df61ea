/**
 * The Prometheus metrics of a server's membership in a fleet.
 *
 * @module
 */
import type { FleetTotals } from "../service/fleet/fleet_totals.ts";
import type { Status } from "./operator.ts";
import type { UpstreamMetric } from "./upstream_metrics.ts";

/** Returns the metrics; none if there is no fleet. */
export function fleetMetrics({ fleet }: Status): UpstreamMetric[] {
  if (fleet === undefined) return [];
  const one = (value: number): UpstreamMetric["samples"] => [[{}, value]];
  return [
    {
      name: "umbra_fleet_engine_up",
      type: "gauge",
      help: "1 while the engine of the fleet answers.",
      samples: one(fleet.isUp ? 1 : 0),
    },
    {
      name: "umbra_fleet_changes_lag_seconds",
      type: "gauge",
      help: "Time since every change of users was known to be here.",
      samples: maybeSeconds(fleet.changesLagMs),
    },
    {
      name: "umbra_fleet_copy_age_seconds",
      type: "gauge",
      help: "Time since the copy of users on the disk was known to be right.",
      samples: maybeSeconds(fleet.copyAgeMs),
    },
    {
      name: "umbra_fleet_ticks_total",
      type: "counter",
      help: "Reports of users to the fleet, by result.",
      samples: each("result", fleet.reports),
    },
    {
      name: "umbra_fleet_lease_bytes",
      type: "gauge",
      help:
        "Bytes that users may transfer on this server without asking the fleet.",
      samples: one(fleet.leasedBytes),
    },
    {
      name: "umbra_fleet_grace_bytes_total",
      type: "counter",
      help: "Bytes transferred beyond leases while the engine was unreachable.",
      samples: one(fleet.graceBytes),
    },
    {
      name: "umbra_fleet_uncertain_admissions_total",
      type: "counter",
      help: "First connections that were accepted before the engine answered.",
      samples: each("cause", fleet.uncertainAdmissions),
    },
    {
      name: "umbra_fleet_salts_total",
      type: "counter",
      help: "Salts of requests that nodes with the same keys have served.",
      samples: each("direction", { ...fleet.salts }),
    },
    {
      name: "umbra_fleet_clock_offset_seconds",
      type: "gauge",
      help:
        "Seconds by which the fleet's clock is ahead of this machine's clock.",
      samples: one(fleet.clockOffsetS),
    },
  ];
}

/** Returns the metrics of the fleet as a whole. */
export function fleetTotalsMetrics(
  { nodes, users, top }: FleetTotals,
): UpstreamMetric[] {
  return [
    {
      name: "umbra_fleet_nodes",
      type: "gauge",
      help: "Servers of the fleet, by state.",
      samples: each("state", nodes),
    },
    {
      name: "umbra_fleet_users",
      type: "gauge",
      help: "Users of the ports of this server in the fleet, by state.",
      samples: each("state", users),
    },
    {
      name: "umbra_fleet_quota_used_ratio",
      type: "gauge",
      help: "Used part of the quota on all servers, of the highest users.",
      samples: top.map(({ service, name, part }) => [
        { server: service, user: name },
        part,
      ]),
    },
  ];
}

/** Name and help of the histogram of calls to the engine. */
export const CALL_HISTOGRAM = {
  name: "umbra_fleet_engine_seconds",
  help: "Time until the engine of the fleet answers, or does not.",
} as const;

function maybeSeconds(ms: number | undefined): UpstreamMetric["samples"] {
  return ms === undefined ? [] : [[{}, ms / 1_000]];
}

function each(
  label: string,
  counts: Readonly<Record<string, number>>,
): UpstreamMetric["samples"] {
  return Object.entries(counts).map(([value, count]) =>
    [{ [label]: value }, count] as const
  );
}
