import assert from "node:assert/strict";
import { test } from "node:test";
import { renderMetrics } from "../../../src/admin/metrics.ts";
import { systemClock } from "../../../src/clock.ts";
import {
  CallTimes,
  FLEET_CALLS,
} from "../../../src/service/fleet/call_times.ts";
import { SampleProgram } from "../../support/sample_status.ts";

const NO_CALLS = new CallTimes(systemClock).snapshot;

const FLEET = {
  node: "fra1",
  isUp: true,
  clockOffsetS: -0.25,
  answerMs: 2,
  leasedBytes: 1_000,
  graceBytes: 5,
  uncertainAdmissions: { slow: 3, away: 1 },
  calls: { ...NO_CALLS, enter: { counts: [0, 1, 1], sumMs: 6 } },
  changesLagMs: 1_500,
  copyAgeMs: 60_000,
  salts: { told: 8, heard: 9, lost: 10, unclaimed: 11 },
  reports: { lease: 7, unknown: 0, stale: 1, failed: 2 },
};

test("renderMetrics() has those of a fleet, and none without one", async () => {
  const status = new SampleProgram({ users: 0 }).status();
  assert.doesNotMatch(await renderMetrics(status), /umbra_fleet/);
  const text = await renderMetrics({ ...status, fleet: FLEET });
  const lines = text.split("\n").filter((line) =>
    line.startsWith("umbra_fleet") && !line.includes("engine_seconds")
  );
  assert.deepEqual(lines, [
    "umbra_fleet_engine_up 1",
    "umbra_fleet_changes_lag_seconds 1.5",
    "umbra_fleet_copy_age_seconds 60",
    'umbra_fleet_ticks_total{result="lease"} 7',
    'umbra_fleet_ticks_total{result="unknown"} 0',
    'umbra_fleet_ticks_total{result="stale"} 1',
    'umbra_fleet_ticks_total{result="failed"} 2',
    "umbra_fleet_lease_bytes 1000",
    "umbra_fleet_grace_bytes_total 5",
    'umbra_fleet_uncertain_admissions_total{cause="slow"} 3',
    'umbra_fleet_uncertain_admissions_total{cause="away"} 1',
    'umbra_fleet_salts_total{direction="told"} 8',
    'umbra_fleet_salts_total{direction="heard"} 9',
    'umbra_fleet_salts_total{direction="lost"} 10',
    'umbra_fleet_salts_total{direction="unclaimed"} 11',
    "umbra_fleet_clock_offset_seconds -0.25",
  ]);
  for (const call of FLEET_CALLS) {
    const name = "umbra_fleet_engine_seconds_count";
    assert(
      text.includes(`${name}{call="${call}"} ${call === "enter" ? 2 : 0}`),
    );
  }
  assert.match(text, /engine_seconds_bucket\{call="enter",le="0.002"\} 1\n/);
});
