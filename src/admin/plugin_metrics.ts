/**
 * The Prometheus metrics of plugins.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import { counter, gauge, type Metric, type Sample } from "./metric.ts";

/** Returns the metrics. */
export function pluginMetrics({ plugins = [] }: Status): Metric[] {
  const samples = (
    valueOf: (one: (typeof plugins)[number]) => number,
  ): Sample[] =>
    plugins.map((one) =>
      [{ plugin: one.name, server: one.server }, valueOf(one)] as const
    );
  return [
    gauge(
      "umbra_plugin_up",
      "1 when the plugin of a server runs and listens.",
      samples(({ state }) => state === "ready" ? 1 : 0),
    ),
    counter(
      "umbra_plugin_restarts_total",
      "Number of restarts of the plugin of a server.",
      samples(({ restarts }) => restarts),
    ),
  ];
}
