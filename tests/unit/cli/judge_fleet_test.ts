import assert from "node:assert/strict";
import { test } from "node:test";
import type { EngineFacts } from "../../../src/adapters/fleet/_engine_facts.ts";
import {
  judgeEngine,
  judgeNodes,
  judgeSeals,
} from "../../../src/cli/fleet/judge_fleet.ts";
import type { FleetNode } from "../../../src/fleet.ts";
import { NODE_LOST_MS } from "../../../src/limits.ts";
import { nodeBeat } from "../../conformance/fleet_suite.ts";

const NOW = 1_800_000_000_000;

const WELL: EngineFacts = {
  product: "redis",
  version: "7.0.15",
  isPrimary: true,
  unixMs: NOW,
  clockOffsetMs: 20,
  answerMs: 1,
  keeping: { evictionPolicy: "noeviction", appends: true, canWrite: true },
};

/** Returns the faults of an engine, with advice. */
function faults(rest: Partial<EngineFacts>): string[] {
  return judgeEngine({ ...WELL, ...rest })
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ check, verdict, advice }) => {
      assert.notEqual(advice, undefined, check);
      return `${verdict} ${check}`;
    });
}

test("an engine without faults has none", () => {
  assert.deepEqual(faults({}), []);
  assert.deepEqual(faults({ product: "valkey", version: "8.0.1" }), []);
  assert.deepEqual(faults({ version: "6.2.0" }), []);
});

test("an engine that loses data, is old, slow or a replica is found", () => {
  const keeping = WELL.keeping!;
  assert.deepEqual(faults({ version: "6.0.16" }), ["fail engine"]);
  assert.deepEqual(faults({ product: "valkey", version: "7.1.0" }), [
    "fail engine",
  ]);
  assert.deepEqual(faults({ isPrimary: false }), ["fail engine"]);
  assert.deepEqual(faults({ answerMs: 301 }), ["warn latency"]);
  assert.deepEqual(
    faults({ keeping: { ...keeping, evictionPolicy: "allkeys-lru" } }),
    ["fail eviction"],
  );
  assert.deepEqual(faults({ keeping: { ...keeping, appends: false } }), [
    "fail persistence",
  ]);
  assert.deepEqual(faults({ keeping: { ...keeping, canWrite: false } }), [
    "fail persistence",
  ]);
  for (const clockOffsetMs of [-6_000, 6_000]) {
    assert.deepEqual(faults({ clockOffsetMs }), ["fail clock"]);
  }
  const { keeping: _, ...silent } = WELL;
  const [skipped] = judgeEngine(silent)
    .filter(({ verdict }) => verdict === "skip");
  assert.match(skipped!.advice!, /\+info/);
});

function node(rest: Partial<FleetNode> = {}): FleetNode {
  return {
    ...nodeBeat(),
    node: "fra1",
    heardUnixMs: NOW,
    isDraining: false,
    keyIds: [5],
    isSealed: false,
    ...rest,
  };
}

function nodeFaults(
  one: FleetNode,
  { silent = false, sealedBy = new Map([[5, 2]]) } = {},
): string[] {
  const silences = silent
    ? [{ node: "fra1", address: "fra1:8388", reason: "refused" }]
    : [];
  const list = { nodes: [one], unixMs: NOW };
  return judgeNodes(list, silences, sealedBy)
    .filter(({ verdict }) => verdict !== "ok")
    .map(({ check, detail, advice }) => {
      assert.equal(check, "fra1");
      assert.notEqual(advice, undefined);
      return detail;
    });
}

test("the faults of each node are named", () => {
  assert.deepEqual(nodeFaults(node()), []);
  assert.deepEqual(nodeFaults(node({ isDraining: true })), []);
  const lost = node({ heardUnixMs: NOW - NODE_LOST_MS - 1 });
  assert.match(nodeFaults(lost)[0]!, /last heartbeat/);
  assert.match(nodeFaults(node({ clockOffsetMs: 9_000 }))[0]!, /9.0 s behind/);
  const sealedBy = new Map([[5, 1], [6, 3]]);
  assert.match(nodeFaults(node(), { sealedBy })[0]!, /keys of 3 users/);
  assert.match(nodeFaults(node({ isSealed: true }))[0]!, /sealed/);
  assert.match(nodeFaults(node(), { silent: true })[0]!, /fra1:8388/);
  const [none] = judgeNodes({ nodes: [], unixMs: NOW }, [], new Map());
  assert.equal(none?.verdict, "warn");
});

test("users whose keys cannot be opened are named and counted", () => {
  assert.equal(judgeSeals(new Map([[5, 2]]), []).verdict, "ok");
  const found = judgeSeals(new Map([[5, 2]]), ["8388/ann", "8388/bob"]);
  assert.equal(found.verdict, "fail");
  assert.match(found.detail, /8388\/ann cannot be opened, nor those of 1/);
});
