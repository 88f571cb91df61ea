/**
 * The Prometheus metrics of the servers of a local.
 *
 * @module
 */
import type { DialCounts } from "../dial_times.ts";
import {
  counter,
  each as eachCount,
  gauge,
  type Metric,
  type Sample,
} from "./metric.ts";
import type { UpstreamStatus } from "./operator.ts";

/** Returns every metric except the histogram. */
export function upstreamMetrics(
  all: readonly UpstreamStatus[],
): Metric[] {
  const each = (
    samplesOf: (one: UpstreamStatus) => Sample[],
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
  ): Sample[] => each((one) => eachCount(label, countsOf(one)));
  return [
    gauge(
      "umbra_upstream_up",
      "1 when a server of this local works, as far as known.",
      each(({ tcp, udp }) => [
        [{ transport: "tcp" }, tcp.state === "up" ? 1 : 0],
        [{ transport: "udp" }, udp.state === "up" ? 1 : 0],
      ]),
    ),
    gauge(
      "umbra_upstream_selected",
      "1 for the server of the last connection.",
      each(({ selected }) => [
        [{ transport: "tcp" }, selected ? 1 : 0],
      ]),
    ),
    counter(
      "umbra_upstream_connections_total",
      "Connection attempts to a server by result: ok, or an error code.",
      counts("result", ({ results }) => results),
    ),
    counter(
      "umbra_upstream_bytes_total",
      "Payload bytes through a server: up to it, down from it.",
      each(({ bytesUp, bytesDown }) => [
        [{ direction: "up" }, bytesUp],
        [{ direction: "down" }, bytesDown],
      ]),
    ),
    counter(
      "umbra_upstream_switches_total",
      "Number of times that a server replaced another one, by reason.",
      counts(
        "reason",
        ({ switches }) => switches as Readonly<Record<string, number>>,
      ),
    ),
    counter(
      "umbra_upstream_probes_total",
      "Probes of a server by result: ok, or an error code.",
      counts("result", ({ probes }) => probes),
    ),
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
