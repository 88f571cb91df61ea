import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Finding,
  formatFinding,
  formatJson,
  formatSummary,
  isHealthy,
} from "../../../src/cli/doctor/finding.ts";

const FINDINGS: Finding[] = [
  { check: "dns", verdict: "ok", detail: "found" },
  { check: "clock", verdict: "warn", detail: "late", advice: "set it" },
  { check: "udp", verdict: "skip", detail: "not tried" },
];
const FAILED: Finding = { check: "key", verdict: "fail", detail: "wrong" };

test("isHealthy() minds failures only", () => {
  assert.equal(isHealthy(FINDINGS), true);
  assert.equal(isHealthy([...FINDINGS, FAILED]), false);
});

test("formatFinding() puts the advice below the finding", () => {
  assert.equal(
    formatFinding(FINDINGS[1]!, false),
    "warn  clock        late\n                   → set it\n",
  );
  assert.ok(formatFinding(FAILED, true).startsWith("\x1b[31mfail\x1b[0m  "));
});

test("formatFinding() lets nothing steer the terminal", () => {
  const evil = { ...FAILED, detail: "a\x1b[2J\r\nb" };
  assert.equal(formatFinding(evil, false), "fail  key          a�[2J��b\n");
});

test("formatSummary() and formatJson() count and show all of it", () => {
  const all = [...FINDINGS, FAILED];
  assert.equal(
    formatSummary(all),
    "1 ok, 1 to look at, 1 failed, 1 not checked\n",
  );
  assert.deepEqual(JSON.parse(formatJson(all)), {
    healthy: false,
    checks: all,
  });
});
