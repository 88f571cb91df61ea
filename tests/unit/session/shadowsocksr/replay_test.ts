/**
 * Recordings, clocks and counts: what the originals serve again, we do not.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import type { Clock } from "../../../../src/clock.ts";
import { ConnectionMemory } from "../../../../src/security/connection_memory.ts";
import { ssrClient } from "../../../../src/session/shadowsocksr/client.ts";
import { SsrIdentity } from "../../../../src/session/shadowsocksr/identity.ts";
import { ssrServer } from "../../../../src/session/shadowsocksr/server.ts";
import type { SsrServerWorld } from "../../../../src/session/shadowsocksr/world.ts";
import { flipBit, utf8 } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import {
  seededRandomBytes,
  ssrKeys,
  type SsrOptions,
  ssrPort,
  ssrWorld,
} from "../../../support/ssr.ts";
import { Talk } from "../../../support/ssr_talk.ts";

const TARGET = { host: "example.com", port: 443 };
const AUTH = ["auth_sha1_v4", "auth_aes128_md5", "auth_aes128_sha1"]
  .concat("auth_chain_a", "auth_chain_b");
const DAY_MS = 86_400_000;

/** A connection that was served and recorded, write by write. */
function record(options: SsrOptions, world: SsrServerWorld): Uint8Array {
  const server = ssrServer(ssrPort(options), world);
  const client = ssrClient(ssrKeys(options), {
    clock: world.clock,
    randomBytes: seededRandomBytes(world.clock.unixMs() % 1_000_003),
  });
  const ends = new Talk(client, server);
  ends.up(client.request(TARGET, utf8("recorded")));
  assert.ok(ends.request);
  return concat(...ends.sent);
}

/** A clock that is ahead. */
function shifted(byMs: number): Clock {
  const clock = new FakeClock();
  return {
    monotonicMs: () => clock.monotonicMs(),
    unixMs: () => clock.unixMs() + byMs,
    schedule: (callback, delayMs) => clock.schedule(callback, delayMs),
  };
}

function play(
  options: SsrOptions,
  world: SsrServerWorld,
  bytes: Uint8Array,
): unknown {
  const server = ssrServer(ssrPort(options), world);
  try {
    const { reply, request } = server.accept(bytes);
    return request ?? reply;
  } catch (error) {
    return (error as { code?: string }).code;
  }
}

for (const protocol of AUTH) {
  for (const method of ["none", "aes-128-ctr"]) {
    describe(`a recording of ${protocol} with ${method}`, () => {
      const options = { protocol, method };

      test("is refused at once, after minutes and after hours", async () => {
        const clock = new FakeClock();
        const world = ssrWorld(clock);
        const bytes = record(options, world);
        for (const afterMs of [0, 240_000, 660_000, DAY_MS / 2]) {
          await clock.advance(afterMs);
          assert.equal(play(options, world, bytes), "ERR_SS_REPLAY");
        }
        await clock.advance(DAY_MS);
        assert.equal(play(options, world, bytes), "ERR_SS_TIMESTAMP");
      });

      test("is refused after a restart", async () => {
        const clock = new FakeClock();
        const bytes = record(options, ssrWorld(clock));
        await clock.advance(1_000);
        assert.equal(
          play(options, ssrWorld(clock), bytes),
          "ERR_SS_TIMESTAMP",
        );
      });

      test("would be served without each memory alone refusing it", () => {
        const world = ssrWorld();
        const bytes = record(options, world);
        const without = ssrWorld();
        // Each of both memories is enough; without either it is served.
        assert.equal(
          play(options, { ...without, connections: world.connections }, bytes),
          "ERR_SS_REPLAY",
        );
        assert.equal(
          play(options, { ...ssrWorld(), memory: world.memory }, bytes),
          "ERR_SS_REPLAY",
        );
        assert.deepEqual(
          (play(options, without, bytes) as {
            address?: unknown;
          }).address,
          TARGET,
        );
      });

      test("of a clock that is a day off is refused, a second less is not", () => {
        for (const skewMs of [-DAY_MS, DAY_MS]) {
          for (const more of [0, Math.sign(skewMs) * 1_000]) {
            // It has run for days, and has seen everything since.
            const connections = new ConnectionMemory(shifted(-3 * DAY_MS));
            const client = ssrClient(
              ssrKeys(options),
              ssrWorld(shifted(skewMs + more)),
            );
            const first = client.request(TARGET, utf8("x"));
            const outcome = play(
              options,
              { ...ssrWorld(), connections },
              first,
            );
            if (more !== 0) assert.equal(outcome, "ERR_SS_TIMESTAMP");
            else assert.equal(typeof outcome, "object");
          }
        }
      });
    });
  }
}

describe("tls1.2_ticket_auth", () => {
  const options = { protocol: "origin", obfs: "tls1.2_ticket_auth" };

  test("answers to a hello once, and never to one that was changed", () => {
    const world = ssrWorld();
    const client = ssrClient(ssrKeys(options), world);
    const hello = client.request(TARGET, utf8("x"));
    const server = ssrServer(ssrPort(options), world);
    // Of random and session id; the rest is not authenticated.
    for (let bit = 11 * 8; bit < 76 * 8; bit++) {
      const fresh = ssrServer(ssrPort(options), world);
      assert.throws(() => fresh.accept(flipBit(hello, bit)), {
        code: "ERR_SSR_OBFS",
      });
    }
    assert.ok(server.accept(hello).reply);
    assert.equal(play(options, world, hello), "ERR_SS_REPLAY");
    const { memory } = ssrWorld();
    assert.ok(play(options, { ...world, memory }, hello) instanceof Uint8Array);
  });

  test("does not answer to a hello from before its start", async () => {
    const clock = new FakeClock();
    const hello = ssrClient(ssrKeys(options), ssrWorld(clock))
      .request(TARGET, utf8("x"));
    await clock.advance(1_000);
    assert.equal(play(options, ssrWorld(clock), hello), "ERR_SS_TIMESTAMP");
  });

  test("narrows the time by its parameter, but does not widen it", async () => {
    for (const [param, fits] of [["60", 60], ["", 86_400], ["0", 86_400]]) {
      for (const more of [0, 1]) {
        const clock = new FakeClock();
        const world = ssrWorld(clock);
        const hello = ssrClient(ssrKeys(options), world)
          .request(TARGET, utf8("x"));
        await clock.advance((Number(fits) + more) * 1_000);
        const outcome = play(
          { ...options, obfsParam: String(param) },
          world,
          hello,
        );
        if (more === 1) assert.equal(outcome, "ERR_SS_TIMESTAMP");
        else assert.ok(outcome instanceof Uint8Array);
      }
    }
  });
});

describe("origin", () => {
  const options = { method: "aes-128-ctr" };

  test("is refused with an IV that was seen", () => {
    const world = ssrWorld();
    const bytes = record(options, world);
    assert.equal(play(options, world, bytes), "ERR_SS_REPLAY");
    const { memory } = ssrWorld();
    assert.ok(play(options, { ...world, memory }, bytes));
  });

  test("of the server is not served when it is sent back and changed", () => {
    // The redirect attack: what the server sent begins with known bytes, which
    // are turned into an address of the attacker's.
    const world = ssrWorld();
    const server = ssrServer(ssrPort(options), world);
    const client = ssrClient(ssrKeys(options), world);
    const ends = new Talk(client, server);
    ends.up(client.request(TARGET, utf8("GET /")));
    const known = utf8("HTTP/1.1 200 OK\r\n\r\nsecret");
    const recorded = server.seal(known);
    const wanted = Uint8Array.of(1, 192, 0, 2, 66, 0, 80);
    const changed = recorded.slice();
    for (const [i, byte] of wanted.entries()) {
      changed[16 + i]! ^= known[i]! ^ byte;
    }
    assert.equal(play(options, world, changed), "ERR_SS_REPLAY");
    const { memory } = ssrWorld();
    const served = play(options, { ...world, memory }, changed) as {
      address: { host: string };
    };
    assert.equal(served.address.host, "192.0.2.66");
  });
});

describe("SsrIdentity", () => {
  test("draws a new id when its count is high", () => {
    const script = [
      new Uint8Array(32),
      ...[utf8("aaaa"), Uint8Array.of(1, 2, 3)],
    ];
    const others = seededRandomBytes(4);
    const identity = new SsrIdentity((length) =>
      script.shift() ?? others(length)
    );
    assert.deepEqual(identity.next(), {
      client: utf8("aaaa"),
      connection: 0x010203,
    });
    assert.equal(identity.next().connection, 0x010204);
  });
});
