import assert from "node:assert/strict";
import { test } from "node:test";
import { PACKET_WINDOW } from "../../../src/limits.ts";
import { SlidingWindow } from "../../../src/security/sliding_window.ts";

const W = BigInt(PACKET_WINDOW);
const L = W + 1n;
const M = 2n ** 64n - 1n - 8_192n;

test("add() accepts and refuses as WireGuard's filter does", () => {
  const window = new SlidingWindow();
  const steps: [id: bigint, fresh: boolean][] = [
    [0n, true],
    [1n, true],
    [1n, false],
    [9n, true],
    [8n, true],
    [7n, true],
    [7n, false],
    [L, true],
    [L - 1n, true],
    [L - 1n, false],
    [L - 2n, true],
    [2n, true],
    [2n, false],
    [L + 16n, true],
    [3n, false],
    [L + 16n, false],
    [4n * L, true],
    [4n * L - (L - 1n), true],
    [10n, false],
    [4n * L - L, false],
    [4n * L - (L + 1n), false],
    [4n * L - (L - 2n), true],
    [4n * L + 1n - L, false],
    [0n, false],
    [M, false],
    [M - 1n, true],
    [M, false],
    [M - 1n, false],
    [M - 2n, true],
    [M + 1n, false],
    [M + 2n, false],
    [M - 2n, false],
    [M - 3n, true],
    [0n, false],
  ];
  for (const [i, [id, fresh]] of steps.entries()) {
    assert.equal(window.check(id), fresh, `step ${i}: check(${id})`);
    assert.equal(window.add(id), fresh, `step ${i}: add(${id})`);
  }
});

test("add() accepts a whole window in any order", () => {
  const up = (from: bigint, to: bigint): bigint[] =>
    Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));
  const cases: [bigint[], [bigint, boolean][]][] = [
    [up(1n, W), [[0n, true], [0n, false]]],
    [up(2n, W + 1n), [[1n, true], [0n, false]]],
    [up(1n, W + 1n).reverse(), []],
    [up(2n, W + 2n).reverse(), [[0n, false]]],
    [up(1n, W).reverse(), [[W + 1n, true], [0n, false]]],
    [up(1n, W).reverse(), [[0n, true], [W + 1n, true]]],
  ];
  for (const [i, [ids, then]] of cases.entries()) {
    const window = new SlidingWindow();
    for (const id of ids) assert.ok(window.add(id), `bulk ${i + 1}: ${id}`);
    for (const [id, fresh] of then) {
      assert.equal(window.add(id), fresh, `bulk ${i + 1}, then ${id}`);
    }
  }
});
