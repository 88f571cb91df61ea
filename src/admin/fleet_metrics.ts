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
      name: "umbra_fleet_engine_seconds",
      type: "gauge",
      help: "How long the last answer of the engine took.",
      samples: one(fleet.answerMs / 1_000),
    },
    {
      name: "umbra_fleet_ticks_total",
      type: "counter",
      help: "Reports of users to the fleet, by what became of them.",
      samples: Object.entries(fleet.reports).map(([result, count]) =>
        [{ result }, count] as const
      ),
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
      samples: one(fleet.uncertainAdmissions),
    },
    {
      name: "umbra_fleet_clock_offset_seconds",
      type: "gauge",
      help: "How far the clock of the fleet is ahead of this machine's.",
      samples: one(fleet.clockOffsetS),
    },
  ];
}
