import { onAbort } from "../../../../src/on_abort.ts";
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { memoryTransport } from "../../../../src/adapters/net/memory.ts";
import { TransportError } from "../../../../src/errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MAX_CACHED_NAMES,
  MAX_LOOKUPS,
  NAME_FAILURE_TTL_MS,
  NAME_REFRESH_MS,
  NAME_STALE_MS,
  NAME_TTL_MS,
} from "../../../../src/limits.ts";
import { NameCache } from "../../../../src/service/udp/name_cache.ts";
import type { WaitOptions } from "../../../../src/transport.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";

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
    await clock.advance(NAME_REFRESH_MS - 1);
    await names.resolve("A.Example");
    assert.deepEqual(asked, ["a.example"]);
    await clock.advance(1);
    await names.resolve("a.example");
    assert.equal(asked.length, 2);
  });

  test("follows a name that moves within 5 s, and lets no datagram of a flow wait for it", async () => {
    for (const everyMs of [100, 1_000, 2_500, 3_900, 4_500]) {
      let ip = "10.0.0.1";
      let slow = false;
      const later: (() => void)[] = [];
      const { names, clock } = cacheOf(() => {
        if (!slow) return Promise.resolve([ip]);
        return new Promise((resolve) => later.push(() => resolve([ip])));
      });
      await names.resolve("a.example");
      slow = true;
      ip = "10.0.0.2";
      let oldMs = 0;
      for (let atMs = everyMs; atMs < 12_000; atMs += everyMs) {
        await clock.advance(everyMs);
        const waiting = names.resolve("a.example");
        const quick = await Promise.race([waiting, settle()]);
        assert.ok(quick !== undefined || everyMs >= NAME_TTL_MS, `${everyMs}`);
        later.splice(0).forEach((answer) => answer());
        const [now] = await waiting;
        if (now !== ip) oldMs = atMs;
      }
      assert.ok(oldMs < 5_000, `old at ${oldMs} ms, at every ${everyMs} ms`);
    }
  });

  test("goes on with what it knows for a while, when a look-up fails", async () => {
    let fails = false;
    let code: "ERR_NET_NAME_TEMPORARY" | "ERR_NET_NAME_NOT_FOUND" =
      "ERR_NET_NAME_TEMPORARY";
    const { names, clock, asked } = cacheOf(() =>
      fails
        ? Promise.reject(new TransportError(code, "No"))
        : Promise.resolve(["10.0.0.1"])
    );
    await names.resolve("a.example");
    fails = true;
    for (let atMs = 1_000; atMs < NAME_STALE_MS; atMs += 1_000) {
      await clock.advance(1_000);
      assert.deepEqual(await names.resolve("a.example"), ["10.0.0.1"]);
    }
    assert.ok(asked.length <= 1 + NAME_STALE_MS / NAME_FAILURE_TTL_MS);
    await clock.advance(1_000);
    await assert.rejects(names.resolve("a.example"), { code });
    // A name that has gone is gone at once.
    fails = false;
    await clock.advance(NAME_FAILURE_TTL_MS);
    await names.resolve("a.example");
    fails = true;
    code = "ERR_NET_NAME_NOT_FOUND";
    await clock.advance(NAME_TTL_MS);
    await assert.rejects(names.resolve("a.example"), { code });
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
        signal && onAbort(signal, () => reject(signal.reason))
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
