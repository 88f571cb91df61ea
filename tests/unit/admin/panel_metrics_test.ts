import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMetrics } from "../../../src/admin/metrics.ts";
import { SampleProgram } from "../../support/sample_status.ts";

test("renderMetrics() tells what a panel does not know, and nothing without one", async () => {
  const status = new SampleProgram({ users: 0 }).status();
  assert.ok(!(await renderMetrics(status)).includes("umbra_panel"));
  const text = await renderMetrics({
    ...status,
    panel: {
      host: "panel.test",
      isUp: false,
      users: 12,
      pendingBytes: 34,
      uncertainBytes: 56,
      pushes: { taken: 7, refused: 8, unknown: 9 },
    },
  });
  for (
    const line of [
      "umbra_panel_up 0",
      "umbra_panel_users 12",
      "umbra_panel_pending_bytes 34",
      "umbra_panel_uncertain_bytes_total 56",
      'umbra_panel_pushes_total{result="taken"} 7',
      'umbra_panel_pushes_total{result="refused"} 8',
      'umbra_panel_pushes_total{result="unknown"} 9',
    ]
  ) assert.ok(text.split("\n").includes(line), line);
  assert.ok(!text.includes("panel.test"));
});
