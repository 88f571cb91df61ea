import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryTransport } from "../../../../src/adapters/net/memory.ts";
import { TransportError } from "../../../../src/errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MAX_CACHED_NAMES,
  MAX_LOOKUPS,
  NAME_FAILURE_TTL_MS,
  NAME_TTL_MS,
} from "../../../../src/limits.ts";
import { NameCache } from "../../../../src/service/udp/name_cache.ts";
import type { WaitOptions } from "../../../../src/transport.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

type Resolve = (host: string, options?: WaitOptions) => Promise<string[]>;

/** A cache, and what it has looked up so far. */
function cacheOf(
  resolve: Resolve,
): { names: NameCache; clock: FakeClock; asked: string[] } {
  const clock = new FakeClock();
  const asked: string[] = [];
  const transport = {
    ...memoryTransport(),
    resolve: (host: string, options?: WaitOptions) => {
      asked.push(host);
      return resolve(host, options);
    },
  };
  return { names: new NameCache({ transport, clock }), clock, asked };
}

describe("NameCache", () => {
  test("looks up no address, and a name once for its time, in any case", async () => {
    const { names, clock, asked } = cacheOf(() =>
      Promise.resolve(["10.0.0.1"])
    );
    assert.deepEqual(await names.resolve("::1"), ["::1"]);
    assert.deepEqual(await names.resolve("a.example"), ["10.0.0.1"]);
    await clock.advance(NAME_TTL_MS - 1);
    await names.resolve("A.Example");
    assert.deepEqual(asked, ["a.example"]);
    await clock.advance(1);
    await names.resolve("a.example");
    assert.equal(asked.length, 2);
  });

  test("remembers a failure for a short time", async () => {
    const { names, clock, asked } = cacheOf(() =>
      Promise.reject(new TransportError("ERR_NET_NAME_NOT_FOUND", "No"))
    );
    const failure = { code: "ERR_NET_NAME_NOT_FOUND" };
    await assert.rejects(names.resolve("a.example"), failure);
    await clock.advance(NAME_FAILURE_TTL_MS - 1);
    await assert.rejects(names.resolve("a.example"), failure);
    assert.equal(asked.length, 1);
    await clock.advance(1);
    await assert.rejects(names.resolve("a.example"), failure);
    assert.equal(asked.length, 2);
  });

  test("forgets the first name, when there is one too many", async () => {
    const { names, asked } = cacheOf(() => Promise.resolve(["10.0.0.1"]));
    for (let i = 0; i < MAX_CACHED_NAMES; i++) await names.resolve(`n${i}`);
    await names.resolve("n0");
    assert.equal(asked.length, MAX_CACHED_NAMES);
    await names.resolve("one.more");
    await names.resolve("n1");
    assert.equal(asked.length, MAX_CACHED_NAMES + 1);
    await names.resolve("n0");
    assert.equal(asked.length, MAX_CACHED_NAMES + 2);
  });

  test("looks up so many names at once, each with a deadline", async () => {
    const { names, clock, asked } = cacheOf((_host, { signal } = {}) =>
      new Promise((_, reject) =>
        signal?.addEventListener("abort", () => reject(signal.reason))
      )
    );
    const failing = Array.from(
      { length: MAX_LOOKUPS },
      (_, i) => assert.rejects(names.resolve(`n${i}`), TransportError),
    );
    await assert.rejects(names.resolve("one.more"), {
      code: "ERR_POLICY_LIMIT",
    });
    await clock.advance(CONNECT_TIMEOUT_MS);
    await Promise.all(failing);
    const later = assert.rejects(names.resolve("later"), TransportError);
    assert.equal(asked.length, MAX_LOOKUPS + 1);
    await clock.advance(CONNECT_TIMEOUT_MS);
    await later;
  });
});
