import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { siteOf } from "../../../../../src/service/outbound/servers/policies/hash.ts";
import { makePolicy } from "../../../../../src/service/outbound/servers/policies/policies.ts";
import type {
  Candidate,
  Policy,
  PolicyName,
} from "../../../../../src/service/outbound/servers/policies/policy.ts";
import {
  MovingAverage,
  Outcomes,
} from "../../../../../src/service/outbound/servers/samples.ts";

/** Numbers from 0 to 1 that are the same in every run. */
function numbers(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function candidate(name: string, weight = 1): Candidate {
  return {
    name,
    weight,
    connects: new MovingAverage(),
    probes: new MovingAverage(),
    outcomes: new Outcomes(),
  };
}

function policy(name: PolicyName): Policy {
  return makePolicy(name, {
    toleranceMs: 50,
    minDwellMs: 30_000,
    random: numbers(),
  });
}

const TARGET = { host: "example.com", port: 443 };

const SITES = Array.from(
  { length: 10_000 },
  (_, i) => ({ host: `www.site${i}.test`, port: 443 }),
);

const THREE = [candidate("a"), candidate("b", 0.6), candidate("c", 0.4)];

describe("failover", () => {
  test("takes the heaviest, and the first of equal ones", () => {
    const [a, b, c] = [candidate("a", 0.5), candidate("b"), candidate("c")];
    const { pick } = policy("failover");
    assert.equal(pick([a, b, c], TARGET, 0), b);
    assert.equal(pick([a, c, b], TARGET, 0), c);
    assert.equal(pick([a], TARGET, 0), a);
  });
});

for (const name of ["round-robin", "random", "hash"] as const) {
  describe(name, () => {
    test("shares 10,000 by weight, within 3 %", () => {
      const chosen = policy(name);
      const counts = new Map<string, number>();
      for (const site of SITES) {
        const { name } = chosen.pick(THREE, site, 0);
        counts.set(name, (counts.get(name) ?? 0) + 1);
      }
      for (const { name, weight } of THREE) {
        const share = counts.get(name)! / SITES.length;
        assert.ok(Math.abs(share - weight / 2) < 0.03, `${name}: ${share}`);
      }
    });
  });
}

describe("round-robin", () => {
  test("makes no runs of the heaviest", () => {
    const chosen = policy("round-robin");
    const pair = [candidate("a", 1), candidate("b", 0.5)];
    const order = Array.from(
      { length: 6 },
      () => chosen.pick(pair, TARGET, 0).name,
    );
    assert.equal(order.join(""), "abaaba");
  });

  test("forgets a server that is not there", () => {
    const chosen = policy("round-robin");
    const [a, b] = [candidate("a"), candidate("b")];
    for (let i = 0; i < 100; i++) chosen.pick([a], TARGET, 0);
    const order = Array.from(
      { length: 4 },
      () => chosen.pick([a, b], TARGET, 0).name,
    );
    assert.equal(order.sort().join(""), "aabb");
  });
});

describe("hash", () => {
  test("moves the sites of a server that goes, and no others", () => {
    const chosen = policy("hash");
    const all = ["a", "b", "c", "d"].map((name) => candidate(name));
    const left = all.slice(1);
    let moved = 0;
    for (const site of SITES) {
      const before = chosen.pick(all, site, 0);
      const after = chosen.pick(left, site, 0);
      if (before === after) continue;
      assert.equal(before.name, "a");
      moved++;
    }
    assert.ok(moved / SITES.length <= 1 / 4 + 0.03, `${moved}`);
  });

  test("knows what belongs together", () => {
    for (
      const [host, site] of [
        ["www.example.com", "example.com"],
        ["a.b.Example.com.", "example.com"],
        ["www.example.co.uk", "example.co.uk"],
        ["localhost", "localhost"],
        ["192.0.2.77", "192.0.2"],
        ["2001:db8:1:2::3", "32.1.13.184.0.1"],
      ] as const
    ) {
      assert.equal(siteOf(host), site);
    }
  });
});

describe("latency", () => {
  /** Probes both each minute, connects each second; returns the switches. */
  function hour(
    first: (i: number) => number,
    second: (i: number) => number,
  ): { readonly switches: number; readonly last: string } {
    const [a, b] = [candidate("a"), candidate("b")];
    const chosen = policy("latency");
    let current = chosen.pick([a, b], TARGET, 0);
    let switches = 0;
    for (let s = 0; s < 3_600; s++) {
      const now = s * 1_000;
      if (s % 60 === 0) {
        a.probes.add(first(s), now);
        b.probes.add(second(s), now);
      }
      const next = chosen.pick([a, b], TARGET, now);
      next.connects.add(next === a ? first(s) : second(s), now);
      if (next !== current) switches++;
      current = next;
    }
    return { switches, last: current.name };
  }

  test("changes between equal servers at most twice in an hour", () => {
    for (let seed = 1; seed <= 200; seed++) {
      const random = numbers(seed);
      const noisy = () => 70 + 60 * random();
      const { switches } = hour(noisy, noisy);
      assert.ok(switches <= 2, `seed ${seed}: ${switches}`);
    }
  });

  test("changes once to a server that is clearly faster", () => {
    const random = numbers();
    assert.deepEqual(
      hour(() => 200 + 20 * random(), () => 60 + 20 * random()),
      { switches: 1, last: "b" },
    );
  });

  test("does not change for less than the tolerance, nor for a fifth", () => {
    assert.equal(hour(() => 100, () => 51).switches, 0);
    assert.equal(hour(() => 1_000, () => 801).switches, 0);
  });

  test("takes the fastest at once when the one in use is gone", () => {
    const [a, b, c] = [candidate("a"), candidate("b"), candidate("c")];
    const chosen = policy("latency");
    a.probes.add(10, 0);
    b.probes.add(100, 0);
    c.probes.add(50, 0);
    assert.equal(chosen.pick([a, b, c], TARGET, 0), a);
    assert.equal(chosen.pick([b, c], TARGET, 1), c);
  });

  test("does not compare probes with connects", () => {
    const [a, b] = [candidate("a"), candidate("b")];
    const chosen = policy("latency");
    assert.equal(chosen.pick([a, b], TARGET, 0), a);
    for (let s = 0; s < 600; s++) {
      a.probes.add(500, s * 1_000);
      b.connects.add(5, s * 1_000);
      assert.equal(chosen.pick([a, b], TARGET, s * 1_000), a);
    }
  });

  test("makes failures cost, and weight spare", () => {
    const [a, b] = [candidate("a"), candidate("b", 0.5)];
    const chosen = policy("latency");
    a.probes.add(100, 0);
    b.probes.add(60, 0);
    assert.equal(chosen.pick([a, b], TARGET, 0), a);
    for (let i = 0; i < 20; i++) a.outcomes.add(true);
    assert.equal(policy("latency").pick([a, b], TARGET, 0), b);
  });
});
