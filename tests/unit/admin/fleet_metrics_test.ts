import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMetrics } from "../../../src/admin/metrics.ts";
import { SampleProgram } from "../../support/sample_status.ts";

const FLEET = {
  node: "fra1",
  isUp: true,
  clockOffsetS: -0.25,
  answerMs: 2,
  leasedBytes: 1_000,
  graceBytes: 5,
  uncertainAdmissions: 3,
  reports: { lease: 7, unknown: 0, stale: 1, failed: 2 },
};

test("renderMetrics() has those of a fleet, and none without one", async () => {
  const status = new SampleProgram({ users: 0 }).status();
  assert.doesNotMatch(await renderMetrics(status), /umbra_fleet/);
  const text = await renderMetrics({ ...status, fleet: FLEET });
  const lines = text.split("\n").filter((line) =>
    line.startsWith("umbra_fleet")
  );
  assert.deepEqual(lines, [
    "umbra_fleet_engine_up 1",
    "umbra_fleet_engine_seconds 0.002",
    'umbra_fleet_ticks_total{result="lease"} 7',
    'umbra_fleet_ticks_total{result="unknown"} 0',
    'umbra_fleet_ticks_total{result="stale"} 1',
    'umbra_fleet_ticks_total{result="failed"} 2',
    "umbra_fleet_lease_bytes 1000",
    "umbra_fleet_grace_bytes_total 5",
    "umbra_fleet_uncertain_admissions_total 3",
    "umbra_fleet_clock_offset_seconds -0.25",
  ]);
});
