/**
 * The Prometheus metrics of a panel.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import type { UpstreamMetric } from "./upstream_metrics.ts";

/** Returns the metrics; none if there is no panel. */
export function panelMetrics({ panel }: Status): UpstreamMetric[] {
  if (panel === undefined) return [];
  const one = (value: number): UpstreamMetric["samples"] => [[{}, value]];
  return [
    {
      name: "umbra_panel_up",
      type: "gauge",
      help: "1 while the panel answers and accepts reports.",
      samples: one(panel.isUp ? 1 : 0),
    },
    {
      name: "umbra_panel_users",
      type: "gauge",
      help: "Users of the panel that may connect.",
      samples: one(panel.users),
    },
    {
      name: "umbra_panel_pending_bytes",
      type: "gauge",
      help: "Payload bytes that were not yet reported to the panel.",
      samples: one(panel.pendingBytes),
    },
    {
      name: "umbra_panel_uncertain_bytes_total",
      type: "counter",
      help:
        "Payload bytes of reports that may not have arrived at the panel, " +
        "and were not sent again.",
      samples: one(panel.uncertainBytes),
    },
    {
      name: "umbra_panel_pushes_total",
      type: "counter",
      help: "Reports of traffic to the panel, by result.",
      samples: Object.entries(panel.pushes)
        .map(([result, count]) => [{ result }, count] as const),
    },
  ];
}
