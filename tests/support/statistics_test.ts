import assert from "node:assert/strict";
import { test } from "node:test";
import { seededRandom } from "./bytes.ts";
import { kolmogorov, sameDistribution, tellApart } from "./statistics.ts";

test("kolmogorov() has the quantiles of the published tables", () => {
  for (
    const [x, p] of [[1.2238, 0.1], [1.3581, 0.05], [1.6276, 0.01]] as const
  ) {
    assert.ok(Math.abs(kolmogorov(x) - p) < 1e-4, `${kolmogorov(x)}, not ${p}`);
  }
  assert.equal(kolmogorov(0), 1);
});

test("sameDistribution() is below alpha as often as alpha, when both are alike", () => {
  const next = seededRandom(1);
  let below = 0;
  for (let round = 0; round < 1_000; round++) {
    const sample = (length: number): number[] => Array.from({ length }, next);
    if (sameDistribution(sample(40), sample(400)) < 0.05) below++;
  }
  assert.ok(below > 25 && below < 75, `${below} of 1,000`);
});

test("tellApart() names a group that ends a little later, and no other", () => {
  const next = seededRandom(2);
  const group = (fromMs: number): { bytes: 0; end: "fin"; atMs: number }[] =>
    Array.from({ length: 100 }, () => ({
      bytes: 0,
      end: "fin",
      atMs: fromMs + next() % 750,
    }));
  const groups = new Map([["a", group(1_500)], ["b", group(1_500)]]);
  for (let i = 0; i < 10; i++) groups.set(`more ${i}`, group(1_500));
  assert.deepEqual(tellApart(groups, 1e-4), []);
  groups.set("late", group(1_800));
  const found = tellApart(groups, 1e-6);
  assert.equal(found.length, 1);
  assert.match(found[0]!, /^late: time, p = /);
});
