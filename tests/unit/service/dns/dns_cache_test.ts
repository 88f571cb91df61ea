import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  MAX_ANSWER_TTL_S,
  MAX_CACHED_ANSWER_LENGTH,
  MAX_CACHED_ANSWERS,
} from "../../../../src/limits.ts";
import { DnsCache } from "../../../../src/service/dns/dns_cache.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const ANSWER = Uint8Array.of(1, 2, 3);

describe("DnsCache", () => {
  test("keeps an answer for its TTL, a day at most, and not without one", async () => {
    const clock = new FakeClock();
    const cache = new DnsCache(clock);
    cache.set("none", ANSWER, 0);
    cache.set("short", ANSWER, 2);
    cache.set("long", ANSWER, 2 * MAX_ANSWER_TTL_S);
    assert.equal(cache.get("none"), undefined);
    await clock.advance(1_999);
    assert.deepEqual(cache.get("short"), { answer: ANSWER, ageSeconds: 1 });
    await clock.advance(1);
    assert.equal(cache.get("short"), undefined);
    await clock.advance(MAX_ANSWER_TTL_S * 1_000 - 2_001);
    assert.equal(cache.get("long")?.ageSeconds, MAX_ANSWER_TTL_S - 1);
    await clock.advance(1);
    assert.equal(cache.get("long"), undefined);
  });

  test("keeps no answer that is too large", () => {
    const cache = new DnsCache(new FakeClock());
    const room = MAX_CACHED_ANSWER_LENGTH - "most".length;
    cache.set("most", new Uint8Array(room), 60);
    cache.set("more", new Uint8Array(room + 1), 60);
    assert.ok(cache.get("most"));
    assert.equal(cache.get("more"), undefined);
  });

  test("forgets the first answer, when there is one too many", () => {
    const cache = new DnsCache(new FakeClock());
    for (let i = 0; i < MAX_CACHED_ANSWERS; i++) cache.set(`${i}`, ANSWER, 60);
    assert.ok(cache.get("0"));
    cache.set("one more", ANSWER, 60);
    assert.equal(cache.get("0"), undefined);
    assert.ok(cache.get("1"));
    assert.ok(cache.get("one more"));
  });
});
