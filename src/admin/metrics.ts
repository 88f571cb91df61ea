/**
 * A {@link Status} as Prometheus reads it.
 *
 * Nothing is kept between two scrapes: a counter is what the status says, and
 * that goes down only when the program restarts or its counts are cleared.
 *
 * Source: "Exposition formats", text format 0.0.4; "Metric and label naming".
 *
 * @module
 */
// Not its main module: that loads collectors of everything, and takes as long to
// start as all the rest.
// @ts-types="./prom_client/counter.d.ts"
import Counter from "prom-client/lib/counter.js";
// @ts-types="./prom_client/gauge.d.ts"
import Gauge from "prom-client/lib/gauge.js";
// @ts-types="./prom_client/registry.d.ts"
import Registry, { type Collected } from "prom-client/lib/registry.js";
import type { UserLimits, UserUsage } from "../users.ts";
import { DIAL_BOUNDS_MS, type DialCounts } from "../dial_times.ts";
import type { Status, UserPage } from "./operator.ts";
import { panelMetrics } from "./panel_metrics.ts";
import { CALL_HISTOGRAM, fleetMetrics } from "./fleet_metrics.ts";
import { pluginMetrics } from "./plugin_metrics.ts";
import {
  CONNECT_HISTOGRAM,
  connectCounts,
  upstreamMetrics,
} from "./upstream_metrics.ts";
import { FIRST_PAGE } from "./user_page.ts";

/** Media type of what {@link renderMetrics} returns. */
export const METRICS_CONTENT_TYPE: string = Registry.PROMETHEUS_CONTENT_TYPE;

/** Users who have series of their own: every one costs Prometheus a few. */
const MAX_USER_SERIES = 200;

/** The page of users that is enough to render. */
export const SCRAPED_USERS: UserPage = {
  ...FIRST_PAGE,
  limit: MAX_USER_SERIES,
};

/** The options of a rendering. */
export interface MetricsOptions {
  /**
   * With more users than this, over all servers, none is named and each
   * server is one user, `other`; default 200.
   */
  readonly maxUsers?: number;
}

/** Renders all metrics. */
export async function renderMetrics(
  status: Status,
  options: MetricsOptions = {},
): Promise<string> {
  const registry = new Registry();
  const { maxUsers = MAX_USER_SERIES } = options;
  for (const metric of metricsOf(status, maxUsers)) {
    const { name, help, samples } = metric;
    // The library would write a 0 for what is not known.
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

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];

interface Metric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly Sample[];
}

const DIALS = {
  name: "umbra_dial_duration_seconds",
  help: "Time to resolve and connect to targets, or to servers.",
} as const;

/** Codes an alert may ask for before the first one comes. */
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
      "Who computes each method in use; always 1.",
      status.crypto.map((labels) => [{ ...labels }, 1]),
    ),
    gauge("umbra_ready", "1 when every configured service listens.", [
      one(status.ready ? 1 : 0),
    ]),
    gauge("umbra_connections_open", "TCP connections that are open.", [
      one(connections.open),
    ]),
    gauge(
      "umbra_connections_limit",
      "TCP connections that may be open at once; new clients wait beyond it.",
      [one(connections.limit)],
    ),
    counter("umbra_connections_total", "TCP connections accepted.", [
      one(connections.accepted),
    ]),
    counter(
      "umbra_refusals_total",
      "Connections and requests that failed or were refused, by error code.",
      byCode({ ...EXPECTED_REFUSALS, ...status.refusals }),
    ),
    gauge("umbra_udp_associations", "UDP associations that are open.", [
      one(status.associations.open),
    ]),
    counter(
      "umbra_udp_evictions_total",
      "UDP associations that ended to make room for others.",
      [one(status.associations.evicted)],
    ),
    counter(
      "umbra_datagrams_dropped_total",
      "Datagrams that were not relayed, by error code.",
      byCode(status.drops),
    ),
    counter(
      "umbra_datagrams_lost_total",
      "Datagrams that a socket had no room for, in the system's buffer or ours.",
      [one(status.lostDatagrams)],
    ),
    counter(
      "umbra_local_lookups_total",
      "Names that this machine's resolver was asked for, by why.",
      Object.entries(status.lookups).map(([why, count]) => [{ why }, count]),
    ),
    counter(
      "umbra_routed_total",
      "Connections, requests and datagrams that rules decided about, by way.",
      (["tcp", "udp"] as const).flatMap((network) =>
        Object.entries(status.routed[network])
          .map(([to, count]): Sample => [{ to, network }, count])
      ),
    ),
    gauge(
      "umbra_clock_skew_seconds",
      "How far the clock of the last client that was refused for it is ahead.",
      maybe(status.clockSkewSeconds),
    ),
    gauge(
      "umbra_event_loop_lag_seconds",
      "How late timers were in the last second, at most.",
      [one(status.eventLoopLagMs / 1_000)],
    ),
    gauge("process_resident_memory_bytes", "Resident memory in bytes.", [
      one(status.residentBytes),
    ]),
    gauge(
      "process_start_time_seconds",
      "Start of the process in seconds since 1970.",
      [one(status.startedUnixMs / 1_000)],
    ),
    gauge(
      "process_open_fds",
      "File descriptors that are open.",
      maybe(descriptors?.open),
    ),
    gauge(
      "process_max_fds",
      "File descriptors that may be open at once.",
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
    // Its places to listen are not counted one by one.
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

/** Metrics of what each user has used. */
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
      "Payload bytes, up from clients to targets and down again.",
      both("bytesUp", "bytesDown"),
    ),
    counter(
      "umbra_packets_total",
      "UDP datagrams, up from clients to targets and down again.",
      both("packetsUp", "packetsDown"),
    ),
    gauge(
      "umbra_user_sessions",
      "TCP connections and UDP associations that are open.",
      rows.map(({ labels, usage }) => [labels, usage.open]),
    ),
    gauge(
      "umbra_user_last_seen_timestamp_seconds",
      "When bytes moved last, in seconds since 1970.",
      rows
        .filter(({ usage }) => usage.lastSeenUnixMs > 0)
        .map(({ labels, usage }) => [labels, usage.lastSeenUnixMs / 1_000]),
    ),
    gauge(
      "umbra_user_quota_bytes",
      "Bytes a user may move, both directions together.",
      rows.flatMap(({ labels, limits }): Sample[] =>
        limits.quotaBytes === undefined ? [] : [[labels, limits.quotaBytes]]
      ),
    ),
  ];
}

/**
 * The library's own histogram can only take one observation after the
 * other; a registry asks no more of a metric than its name and `get()`.
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

function counter(
  name: string,
  help: string,
  samples: readonly Sample[],
): Metric {
  return { name, type: "counter", help, samples };
}

function gauge(
  name: string,
  help: string,
  samples: readonly Sample[],
): Metric {
  return { name, type: "gauge", help, samples };
}

function one(value: number): Sample {
  return [{}, value];
}

/** No sample where the value is not known. */
function maybe(value: number | undefined): Sample[] {
  return value === undefined ? [] : [one(value)];
}

function byCode(counts: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(counts).map(([code, count]) => [{ code }, count]);
}
