/**
 * The Prometheus metrics of a server's membership in a fleet.
 *
 * @module
 */
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
      name: "umbra_fleet_engine_seconds",
      type: "gauge",
      help: "Duration of the last answer of the engine.",
      samples: one(fleet.answerMs / 1_000),
    },
    {
      name: "umbra_fleet_ticks_total",
      type: "counter",
      help: "Reports of users to the fleet, by result.",
      samples: Object.entries(fleet.reports).map(([result, count]) =>
        [{ result }, count] as const
      ),
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
      samples: one(fleet.uncertainAdmissions),
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
