/**
 * The Prometheus metrics of a server's membership in a fleet.
 *
 * @module
 */
import type { FleetTotals } from "../service/fleet/fleet_totals.ts";
import type { Status } from "./operator.ts";
import { counter, each, gauge, maybe, type Metric, one } from "./metric.ts";

/** Returns the metrics; none if there is no fleet. */
export function fleetMetrics({ fleet }: Status): Metric[] {
  if (fleet === undefined) return [];
  return [
    gauge(
      "umbra_fleet_engine_up",
      "1 while the engine of the fleet answers.",
      one(fleet.isUp ? 1 : 0),
    ),
    gauge(
      "umbra_fleet_changes_lag_seconds",
      "Time since every change of users was known to be here.",
      maybe(seconds(fleet.changesLagMs)),
    ),
    gauge(
      "umbra_fleet_copy_age_seconds",
      "Time since the copy of users on the disk was known to be right.",
      maybe(seconds(fleet.copyAgeMs)),
    ),
    counter(
      "umbra_fleet_ticks_total",
      "Reports of users to the fleet, by result.",
      each("result", fleet.reports),
    ),
    gauge(
      "umbra_fleet_lease_bytes",
      "Bytes that users may transfer on this server without asking the fleet.",
      one(fleet.leasedBytes),
    ),
    counter(
      "umbra_fleet_grace_bytes_total",
      "Bytes transferred beyond leases while the engine was unreachable.",
      one(fleet.graceBytes),
    ),
    counter(
      "umbra_fleet_uncertain_admissions_total",
      "First connections that were accepted before the engine answered.",
      each("cause", fleet.uncertainAdmissions),
    ),
    counter(
      "umbra_fleet_salts_total",
      "Salts of requests that nodes with the same keys have served.",
      each("direction", { ...fleet.salts }),
    ),
    gauge(
      "umbra_fleet_clock_offset_seconds",
      "Seconds by which the fleet's clock is ahead of this machine's clock.",
      one(fleet.clockOffsetS),
    ),
  ];
}

/** Returns the metrics of the fleet as a whole. */
export function fleetTotalsMetrics(
  { nodes, users, top }: FleetTotals,
): Metric[] {
  return [
    gauge(
      "umbra_fleet_nodes",
      "Servers of the fleet, by state.",
      each("state", nodes),
    ),
    gauge(
      "umbra_fleet_users",
      "Users of the ports of this server in the fleet, by state.",
      each("state", users),
    ),
    gauge(
      "umbra_fleet_quota_used_ratio",
      "Used part of the quota on all servers, of the highest users.",
      top.map(({ service, name, part }) => [
        { server: service, user: name },
        part,
      ]),
    ),
  ];
}

/** Name and help of the histogram of calls to the engine. */
export const CALL_HISTOGRAM = {
  name: "umbra_fleet_engine_seconds",
  help: "Time until the engine of the fleet answers, or does not.",
} as const;

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : ms / 1_000;
}
