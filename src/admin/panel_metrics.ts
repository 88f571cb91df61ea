/**
 * The Prometheus metrics of a panel.
 *
 * @module
 */
import type { Status } from "./operator.ts";
import { counter, each, gauge, type Metric, one } from "./metric.ts";

/** Returns the metrics; none if there is no panel. */
export function panelMetrics({ panel }: Status): Metric[] {
  if (panel === undefined) return [];
  return [
    gauge(
      "umbra_panel_up",
      "1 while the panel answers and accepts reports.",
      one(panel.isUp ? 1 : 0),
    ),
    gauge(
      "umbra_panel_users",
      "Users of the panel that may connect.",
      one(panel.users),
    ),
    gauge(
      "umbra_panel_pending_bytes",
      "Payload bytes that were not yet reported to the panel.",
      one(panel.pendingBytes),
    ),
    counter(
      "umbra_panel_uncertain_bytes_total",
      "Payload bytes of reports that may not have arrived at the panel, " +
        "and were not sent again.",
      one(panel.uncertainBytes),
    ),
    counter(
      "umbra_panel_pushes_total",
      "Reports of traffic to the panel, by result.",
      each("result", { ...panel.pushes }),
    ),
  ];
}
