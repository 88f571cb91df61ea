import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type MemoryOptions,
  type MemoryTransport,
  memoryTransport,
} from "../../../../src/adapters/net/memory.ts";
import {
  PolicyError,
  TransportError,
  type TransportErrorCode,
} from "../../../../src/errors.ts";
import { silentMetrics } from "../../../../src/observe.ts";
import { anyTarget } from "../../../../src/security/target_policy.ts";
import {
  dial,
  type DialOptions,
} from "../../../../src/service/outbound/dial.ts";
import { FakeClock, settle } from "../../../support/fake_clock.ts";

const NAME = { host: "site.example", port: 80 };
const NAMES = { "site.example": ["2001:db8::1", "10.0.0.1", "2001:db8::2"] };

describe("dial()", () => {
  test("dials an IP address without a look-up", async () => {
    const { network, options } = world();
    const listener = await network.listen({ host: "10.0.0.1", port: 80 });
    const connection = await dial({ host: "10.0.0.1", port: 80 }, options);
    assert.equal(connection.remote.host, "10.0.0.1");
    connection.close();
    listener.close();
  });

  test("tries the families in turns, the next one as soon as one has failed", async () => {
    const { network, options } = world();
    await assert.rejects(dial(NAME, options), hasCode("ERR_NET_REFUSED"));
    assert.deepEqual(network.dialled, [
      "[2001:db8::1]:80",
      "10.0.0.1:80",
      "[2001:db8::2]:80",
    ]);
  });

  test("starts the next attempt after 250 ms, when one hangs", async () => {
    const { network, clock, options } = world([["[2001:db8::1]:80", "hang"]]);
    await network.listen({ host: "10.0.0.1", port: 80 });
    const dialling = dial(NAME, options);
    await clock.advance(249);
    assert.deepEqual(network.dialled, ["[2001:db8::1]:80"]);
    await clock.advance(1);
    assert.equal((await dialling).remote.host, "10.0.0.1");
    await settle();
    assert.equal(clock.pending, 0);
    assert.equal(network.dialled.length, 2);
  });

  test("gives up at its deadline, whatever hangs", async () => {
    const hanging: [string, "hang"][] = [
      ["[2001:db8::1]:80", "hang"],
      ["10.0.0.1:80", "hang"],
      ["[2001:db8::2]:80", "hang"],
    ];
    const { clock, options } = world(hanging);
    const dialling = dial(NAME, options);
    const failing = assert.rejects(dialling, hasCode("ERR_NET_TIMEOUT"));
    await clock.advance(1_000);
    await failing;
    assert.equal(clock.pending, 0);
  });

  test("ends with the reason of its signal", async () => {
    const controller = new AbortController();
    const { options } = world([["10.0.0.9:1", "hang"]]);
    const dialling = dial({ host: "10.0.0.9", port: 1 }, {
      ...options,
      signal: controller.signal,
    });
    controller.abort(new Error("stopping"));
    await assert.rejects(dialling, /stopping/);
  });

  test("dials nothing, when its signal is aborted as the name is resolved", async () => {
    const { network, options } = world();
    const controller = new AbortController();
    const { signal } = controller;
    const resolve = (): Promise<string[]> => {
      const ips = Promise.resolve(["10.0.0.1", "10.0.0.2"]);
      controller.abort(new Error("stopping"));
      return ips;
    };
    const dialTo: typeof network.dial = (to, wait) => network.dial(to, wait);
    const transport = { ...options.transport, resolve, dial: dialTo };
    await assert.rejects(
      dial(NAME, { ...options, signal, transport }),
      /stopping/,
    );
    await settle();
    assert.deepEqual(network.dialled, []);
  });

  test("skips the addresses its policy refuses", async () => {
    const { network, options } = world();
    const policy = (ip: string): string | undefined =>
      ip.includes(":") ? "IPv6" : undefined;
    await assert.rejects(
      dial(NAME, { ...options, policy }),
      hasCode("ERR_NET_REFUSED"),
    );
    assert.deepEqual(network.dialled, ["10.0.0.1:80"]);
  });

  test("dials nothing, when its policy refuses every address", async () => {
    const { network, options } = world();
    await assert.rejects(
      dial(NAME, { ...options, policy: () => "private" }),
      (error) => error instanceof PolicyError && /private/.test(error.message),
    );
    assert.deepEqual(network.dialled, []);
  });

  test("tries 8 addresses at most", async () => {
    const many = Array.from({ length: 20 }, (_, i) => `10.0.1.${i}`);
    const { network, options } = world([], { "many.example": many });
    await assert.rejects(dial({ host: "many.example", port: 1 }, options));
    assert.equal(network.dialled.length, 8);
  });

  test("closes a connection that came second", async () => {
    const { network, clock, options } = world();
    const first = Promise.withResolvers<void>();
    const slow = {
      ...options,
      transport: {
        ...options.transport,
        resolve: () => Promise.resolve(["10.0.0.1", "10.0.0.2"]),
        dial: async (to: { host: string; port: number }) => {
          if (to.host === "10.0.0.1") await first.promise;
          return await network.dial(to);
        },
      },
    };
    const listener = await network.listen({ host: "0.0.0.0", port: 80 });
    const dialling = dial(NAME, slow);
    await clock.advance(250);
    const winner = await dialling;
    assert.equal(winner.remote.host, "10.0.0.2");
    first.resolve();
    await settle();
    listener.close();
    winner.close();
    await settle();
    assert.equal(network.openConnections, 0);
  });

  test("tells how long it took, unless it was forbidden or given up", async () => {
    const { network, clock, options } = world([["10.0.0.9:1", "hang"]]);
    const told: string[] = [];
    const metrics = {
      ...silentMetrics,
      dialled: (ms: number, ok: boolean) => void told.push(`${ms} ${ok}`),
    };
    const listener = await network.listen({ host: "10.0.0.1", port: 80 });
    const there = { host: "10.0.0.1", port: 80 };
    (await dial(there, { ...options, metrics })).close();
    const nowhere = { host: "10.0.0.9", port: 1 };
    const late = dial(nowhere, { ...options, metrics });
    const rejected = assert.rejects(late, hasCode("ERR_NET_TIMEOUT"));
    await clock.advance(1_000);
    await rejected;
    assert.deepEqual(told, ["0 true", "1000 false"]);
    const policy = (): string => "private";
    await assert.rejects(dial(there, { ...options, metrics, policy }));
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = dial(nowhere, { ...options, metrics, signal });
    leaving.abort(new TransportError("ERR_NET_ABORTED", "Gone"));
    await assert.rejects(left);
    assert.equal(told.length, 2);
    listener.close();
  });
});

function world(
  failures: [string, TransportErrorCode | "hang"][] = [],
  names: NonNullable<MemoryOptions["names"]> = NAMES,
): { network: MemoryTransport; clock: FakeClock; options: DialOptions } {
  const dialFailures = new Map(failures);
  const network = memoryTransport({ names, dialFailures });
  const clock = new FakeClock();
  const signal = new AbortController().signal;
  const options: DialOptions = {
    transport: network,
    clock,
    policy: anyTarget,
    timeoutMs: 1_000,
    signal,
  };
  return { network, clock, options };
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof TransportError && error.code === code;
}
