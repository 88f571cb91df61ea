/**
 * Renders a {@link Status} for Prometheus.
 *
 * Nothing is kept between two scrapes. A counter has the value of the status,
 * which decreases only if the program restarts or its counts are cleared.
 *
 * Source: "Exposition formats", text format 0.0.4; "Metric and label naming".
 *
 * @module
 */
// The main module of the package would load all collectors, which doubles the
// start time.
// @ts-types="./prom_client/counter.d.ts"
import Counter from "prom-client/lib/counter.js";
// @ts-types="./prom_client/gauge.d.ts"
import Gauge from "prom-client/lib/gauge.js";
// @ts-types="./prom_client/registry.d.ts"
import Registry, { type Collected } from "prom-client/lib/registry.js";
import type { UserLimits, UserUsage } from "../users.ts";
import { DIAL_BOUNDS_MS, type DialCounts } from "../dial_times.ts";
import {
  counter,
  each,
  gauge,
  type Labels,
  maybe,
  type Metric,
  one,
  type Sample,
} from "./metric.ts";
import type { Status, UserPage } from "./operator.ts";
import { panelMetrics } from "./panel_metrics.ts";
import type { FleetTotals } from "../service/fleet/fleet_totals.ts";
import {
  CALL_HISTOGRAM,
  fleetMetrics,
  fleetTotalsMetrics,
} from "./fleet_metrics.ts";
import { pluginMetrics } from "./plugin_metrics.ts";
import {
  CONNECT_HISTOGRAM,
  connectCounts,
  upstreamMetrics,
} from "./upstream_metrics.ts";
import { FIRST_PAGE } from "./user_page.ts";

/** Media type of the result of {@link renderMetrics}. */
export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/**
 * Maximum of users with series of their own; every user adds several series.
 */
const MAX_USER_SERIES = 200;

/** The page of users that is sufficient for rendering. */
export const SCRAPED_USERS: UserPage = {
  ...FIRST_PAGE,
  limit: MAX_USER_SERIES,
};

/** The options of a rendering. */
export interface MetricsOptions {
  /**
   * Maximum of users, over all servers, that are named; default 200. With more,
   * each server has one user, `other`.
   */
  readonly maxUsers?: number;
}

/** Renders all metrics. */
export async function renderMetrics(
  status: Status,
  options: MetricsOptions = {},
): Promise<string> {
  const { maxUsers = MAX_USER_SERIES } = options;
  const registry = registryOf(metricsOf(status, maxUsers));
  const { dials, upstreams = [], fleet } = status;
  registry.registerMetric(histogram(DIALS, "result", [
    ["ok", dials.ok],
    ["failed", dials.failed],
  ]));
  if (upstreams.length > 0) {
    registry.registerMetric(
      histogram(CONNECT_HISTOGRAM, "server", connectCounts(upstreams)),
    );
  }
  if (fleet !== undefined) {
    registry.registerMetric(
      histogram(CALL_HISTOGRAM, "call", Object.entries(fleet.calls)),
    );
  }
  return await registry.metrics();
}

/** Renders the metrics of a fleet as a whole. */
export async function renderFleetTotals(totals: FleetTotals): Promise<string> {
  return await registryOf(fleetTotalsMetrics(totals)).metrics();
}

function registryOf(metrics: readonly Metric[]): Registry {
  const registry = new Registry();
  for (const metric of metrics) {
    const { name, help, samples } = metric;
    // The library would write 0 for an unknown value.
    if (samples.length === 0) continue;
    const labelNames = [
      ...new Set(samples.flatMap(([labels]) => Object.keys(labels))),
    ];
    const configuration = { name, help, labelNames, registers: [registry] };
    if (metric.type === "counter") {
      const counter = new Counter(configuration);
      for (const [labels, value] of samples) counter.inc(labels, value);
    } else {
      const gauge = new Gauge(configuration);
      for (const [labels, value] of samples) gauge.set(labels, value);
    }
  }
  return registry;
}

const DIALS = {
  name: "umbra_dial_duration_seconds",
  help: "Time to resolve and connect to targets, or to servers.",
} as const;

/** Error codes that alerts may use before the first error. */
const EXPECTED_REFUSALS = {
  ERR_SS_AUTHENTICATION: 0,
  ERR_SS_REPLAY: 0,
  ERR_SS_TIMESTAMP: 0,
  ERR_DEFECT: 0,
};

function metricsOf(status: Status, maxUsers: number): Metric[] {
  const { version, runtime, role, connections, descriptors } = status;
  return [
    gauge("umbra_build_info", "Version and runtime; always 1.", [
      [{ version, runtime, role }, 1],
    ]),
    gauge(
      "umbra_crypto_provider_info",
      "Crypto provider of each method in use; always 1.",
      status.crypto.map((labels) => [{ ...labels }, 1]),
    ),
    gauge(
      "umbra_ready",
      "1 when every configured service listens.",
      one(status.ready ? 1 : 0),
    ),
    gauge(
      "umbra_connections_open",
      "TCP connections that are open.",
      one(connections.open),
    ),
    gauge(
      "umbra_connections_limit",
      "Maximum of open TCP connections; further clients wait.",
      one(connections.limit),
    ),
    counter(
      "umbra_connections_total",
      "TCP connections accepted.",
      one(connections.accepted),
    ),
    counter(
      "umbra_refusals_total",
      "Connections and requests that failed or were refused, by error code.",
      each("code", { ...EXPECTED_REFUSALS, ...status.refusals }),
    ),
    gauge(
      "umbra_udp_associations",
      "UDP associations that are open.",
      one(status.associations.open),
    ),
    counter(
      "umbra_udp_evictions_total",
      "UDP associations that ended to make room for others.",
      one(status.associations.evicted),
    ),
    counter(
      "umbra_datagrams_dropped_total",
      "Datagrams that were not relayed, by error code.",
      each("code", status.drops),
    ),
    counter(
      "umbra_datagrams_lost_total",
      "Datagrams lost because the buffer of the system or of Umbra was full.",
      one(status.lostDatagrams),
    ),
    counter(
      "umbra_local_lookups_total",
      "Names that this machine's resolver was asked for, by reason.",
      each("why", status.lookups),
    ),
    counter(
      "umbra_network_changes_total",
      "Number of times that a local has seen another network of this machine.",
      one(status.networkChanges),
    ),
    counter(
      "umbra_routed_total",
      "Connections, requests and datagrams that rules decided about, by route.",
      (["tcp", "udp"] as const).flatMap((network) =>
        Object.entries(status.routed[network])
          .map(([to, count]): Sample => [{ to, network }, count])
      ),
    ),
    gauge(
      "umbra_clock_skew_seconds",
      "Seconds by which the clock of the last client refused for its time is ahead.",
      maybe(status.clockSkewSeconds),
    ),
    gauge(
      "umbra_event_loop_lag_seconds",
      "Largest delay of a timer in the last second.",
      one(status.eventLoopLagMs / 1_000),
    ),
    gauge(
      "process_resident_memory_bytes",
      "Resident memory in bytes.",
      one(status.residentBytes),
    ),
    gauge(
      "process_start_time_seconds",
      "Start of the process in seconds since 1970.",
      one(status.startedUnixMs / 1_000),
    ),
    gauge(
      "process_open_fds",
      "File descriptors that are open.",
      maybe(descriptors?.open),
    ),
    gauge(
      "process_max_fds",
      "Maximum of open file descriptors.",
      maybe(descriptors?.limit),
    ),
    ...usageMetrics(rowsOf(status, maxUsers)),
    ...upstreamMetrics(status.upstreams ?? []),
    ...pluginMetrics(status),
    ...panelMetrics(status),
    ...fleetMetrics(status),
  ];
}

/** A user, or a server or local whose users are not named. */
interface Row {
  readonly labels: { readonly server: string; readonly user: string };
  readonly usage: Omit<UserUsage, "connections" | "associations" | "hosts">;
  readonly limits: UserLimits;
}

function rowsOf(status: Status, maxUsers: number): Row[] {
  const { role, servers, traffic, connections } = status;
  if (role === "local") {
    // The listening addresses of a local are not counted separately.
    const usage = { ...traffic, open: connections.open, lastSeenUnixMs: 0 };
    return [{ labels: { server: "", user: "" }, usage, limits: {} }];
  }
  const users = status.users.total;
  return servers.flatMap(
    ({ id: server, usage, userCount, users: own }): Row[] => {
      if (userCount > 0 && users <= maxUsers) {
        return own.map(({ name: user, usage, limits }) => ({
          labels: { server, user },
          usage,
          limits,
        }));
      }
      const user = userCount > 0 ? "other" : "";
      return [{ labels: { server, user }, usage, limits: {} }];
    },
  );
}

/** Returns the metrics of the usage of each user. */
function usageMetrics(rows: readonly Row[]): Metric[] {
  const both = (
    up: "bytesUp" | "packetsUp",
    down: "bytesDown" | "packetsDown",
  ): Sample[] =>
    rows.flatMap(({ labels, usage }): Sample[] => [
      [{ ...labels, direction: "up" }, usage[up]],
      [{ ...labels, direction: "down" }, usage[down]],
    ]);
  return [
    counter(
      "umbra_bytes_total",
      "Payload bytes: up from clients to targets, down to clients.",
      both("bytesUp", "bytesDown"),
    ),
    counter(
      "umbra_packets_total",
      "UDP datagrams: up from clients to targets, down to clients.",
      both("packetsUp", "packetsDown"),
    ),
    gauge(
      "umbra_user_sessions",
      "TCP connections and UDP associations that are open.",
      rows.map(({ labels, usage }) => [labels, usage.open]),
    ),
    gauge(
      "umbra_user_last_seen_timestamp_seconds",
      "Time of the last byte in seconds since 1970.",
      rows
        .filter(({ usage }) => usage.lastSeenUnixMs > 0)
        .map(({ labels, usage }) => [labels, usage.lastSeenUnixMs / 1_000]),
    ),
    gauge(
      "umbra_user_quota_bytes",
      "Quota of a user in bytes, both directions together.",
      rows.flatMap(({ labels, limits }): Sample[] =>
        limits.quotaBytes === undefined ? [] : [[labels, limits.quotaBytes]]
      ),
    ),
  ];
}

/**
 * Returns a histogram. The library's own can only observe single values; a
 * registry needs only the name and `get()` of a metric.
 */
function histogram(
  { name, help }: { readonly name: string; readonly help: string },
  label: string,
  all: readonly (readonly [value: string, counts: DialCounts])[],
): Collected {
  const rendered = {
    name,
    help,
    type: "histogram",
    values: all.flatMap(([value, counts]) =>
      histogramValues(name, { [label]: value }, counts)
    ),
  };
  return {
    name,
    get: () => Promise.resolve(rendered),
  };
}

interface RenderedValue {
  readonly metricName: string;
  readonly labels: Labels;
  readonly value: number;
}

function histogramValues(
  name: string,
  labels: Labels,
  { counts, sumMs }: DialCounts,
): RenderedValue[] {
  let below = 0;
  const buckets = counts.map((count, i) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: boundOf(i) },
    value: below += count,
  }));
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: sumMs / 1_000 },
    { metricName: `${name}_count`, labels, value: below },
  ];
}

function boundOf(bucket: number): string {
  const bound = DIAL_BOUNDS_MS[bucket];
  return bound === undefined ? "+Inf" : String(bound / 1_000);
}
