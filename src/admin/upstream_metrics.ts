/**
 * The Prometheus metrics of the servers of a local.
 *
 * @module
 */
import type { DialCounts } from "../dial_times.ts";
import type { UpstreamStatus } from "./operator.ts";

/** A metric with one number for each set of labels. */
export interface UpstreamMetric {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly samples: readonly (readonly [
    labels: Readonly<Record<string, string>>,
    value: number,
  ])[];
}

type Sample = UpstreamMetric["samples"][number];

/** Returns every metric except the histogram. */
export function upstreamMetrics(
  all: readonly UpstreamStatus[],
): UpstreamMetric[] {
  const each = (
    samplesOf: (one: UpstreamStatus) => (readonly [
      labels: Readonly<Record<string, string>>,
      value: number,
    ])[],
  ): Sample[] =>
    all.flatMap((one) =>
      samplesOf(one).map(([labels, value]): Sample => [
        { server: one.name, ...labels },
        value,
      ])
    );
  const counts = (
    label: string,
    countsOf: (one: UpstreamStatus) => Readonly<Record<string, number>>,
  ): Sample[] =>
    each((one) =>
      Object.entries(countsOf(one)).map(([key, value]) =>
        [{ [label]: key }, value] as const
      )
    );
  return [
    {
      name: "umbra_upstream_up",
      type: "gauge",
      help: "1 when a server of this local works, as far as known.",
      samples: each(({ tcp, udp }) => [
        [{ transport: "tcp" }, tcp.state === "up" ? 1 : 0],
        [{ transport: "udp" }, udp.state === "up" ? 1 : 0],
      ]),
    },
    {
      name: "umbra_upstream_selected",
      type: "gauge",
      help: "1 for the server of the last connection.",
      samples: each(({ selected }) => [
        [{ transport: "tcp" }, selected ? 1 : 0],
      ]),
    },
    {
      name: "umbra_upstream_connections_total",
      type: "counter",
      help: "Connection attempts to a server by result: ok, or an error code.",
      samples: counts("result", ({ results }) => results),
    },
    {
      name: "umbra_upstream_bytes_total",
      type: "counter",
      help: "Payload bytes through a server: up to it, down from it.",
      samples: each(({ bytesUp, bytesDown }) => [
        [{ direction: "up" }, bytesUp],
        [{ direction: "down" }, bytesDown],
      ]),
    },
    {
      name: "umbra_upstream_switches_total",
      type: "counter",
      help: "Number of times that a server replaced another one, by reason.",
      samples: counts(
        "reason",
        ({ switches }) => switches as Readonly<Record<string, number>>,
      ),
    },
    {
      name: "umbra_upstream_probes_total",
      type: "counter",
      help: "Probes of a server by result: ok, or an error code.",
      samples: counts("result", ({ probes }) => probes),
    },
  ];
}

/** Name and help of the histogram of connection times. */
export const CONNECT_HISTOGRAM = {
  name: "umbra_upstream_connect_seconds",
  help: "Time to resolve and connect to a server, of successful attempts.",
} as const;

/** Returns the counts of connections by server. */
export function connectCounts(
  all: readonly UpstreamStatus[],
): (readonly [server: string, counts: DialCounts])[] {
  return all.map(({ name, connects }) => [name, connects] as const);
}
