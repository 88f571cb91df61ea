/**
 * What Prometheus reads of plugins.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import type { UpstreamMetric } from "./upstream_metrics.ts";

/** Every metric of them. */
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
      help: "1 when the program in front of a server runs and listens.",
      samples: samples(({ state }) => state === "ready" ? 1 : 0),
    },
    {
      name: "umbra_plugin_restarts_total",
      type: "counter",
      help: "How often the program in front of a server was started again.",
      samples: samples(({ restarts }) => restarts),
    },
  ];
}
