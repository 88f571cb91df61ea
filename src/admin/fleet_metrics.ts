/**
 * What Prometheus reads of a server's part in its fleet.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import type { UpstreamMetric } from "./upstream_metrics.ts";

/** Every metric of it; none where there is no fleet. */
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
      help: "Reports of users to the fleet, by what became of them.",
      samples: each("result", fleet.reports),
    },
    {
      name: "umbra_fleet_lease_bytes",
      type: "gauge",
      help: "Bytes that users may pass here without asking the fleet.",
      samples: one(fleet.leasedBytes),
    },
    {
      name: "umbra_fleet_grace_bytes_total",
      type: "counter",
      help: "Bytes that passed beyond leases while the engine was away.",
      samples: one(fleet.graceBytes),
    },
    {
      name: "umbra_fleet_uncertain_admissions_total",
      type: "counter",
      help: "First connections that were admitted before the engine answered.",
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
      help: "How far the clock of the fleet is ahead of this machine's.",
      samples: one(fleet.clockOffsetS),
    },
  ];
}

/** Name and help of the histogram of calls. */
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
