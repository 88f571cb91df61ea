/**
 * The Prometheus metrics of plugins.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import type { UpstreamMetric } from "./upstream_metrics.ts";

/** Returns the metrics. */
export function pluginMetrics({ plugins = [] }: Status): UpstreamMetric[] {
  const samples = (
    valueOf: (one: (typeof plugins)[number]) => number,
  ): UpstreamMetric["samples"] =>
    plugins.map((one) =>
      [{ plugin: one.name, server: one.server }, valueOf(one)] as const
    );
  return [
    {
      name: "umbra_plugin_up",
      type: "gauge",
      help: "1 when the plugin of a server runs and listens.",
      samples: samples(({ state }) => state === "ready" ? 1 : 0),
    },
    {
      name: "umbra_plugin_restarts_total",
      type: "counter",
      help: "Number of restarts of the plugin of a server.",
      samples: samples(({ restarts }) => restarts),
    },
  ];
}
