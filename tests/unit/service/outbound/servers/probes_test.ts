/** Probes through the tunnel: what they ask, when, and how many at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { fromLatin1 } from "../../../../../src/bytes.ts";
import { MAX_PROBES } from "../../../../../src/limits.ts";
import { ServerGroup } from "../../../../../src/service/outbound/servers/server_group.ts";
import type { Endpoint } from "../../../../../src/transport.ts";
import { utf8 } from "../../../../support/bytes.ts";
import { settle } from "../../../../support/fake_clock.ts";
import { send } from "../../../../support/streams.ts";
import { FIRST, OTHER, TwoServers } from "../../../../support/two_servers.ts";
import { accepted, World } from "../../../../support/world.ts";

const SITE = { host: "10.0.0.9", port: 8080, path: "/alive" };
const PROBE_TIMEOUT_MS = 5_000;

test("a probe of a page is a HEAD, answered by any status below 500", async () => {
  for (
    const [answer, isAnswer] of [
      ["HTTP/1.1 204 No Content\r\n\r\n", true],
      ["HTTP/1.0 404 Not Found\r\n\r\n", true],
      ["HTTP/1.1 500 Internal Server Error\r\n\r\n", false],
      ["SSH-2.0-server\r\n", false],
      ["HTTP/1.1 ", false],
    ] as const
  ) {
    const two = await TwoServers.start({ probeTarget: SITE });
    const site = await two.world.target(SITE);
    const probing = two.group.probe("first");
    const connection = await accepted(site);
    const asked = await connection.readable.getReader().read();
    assert.equal(
      fromLatin1(asked.value!),
      "HEAD /alive HTTP/1.1\r\nHost: 10.0.0.9:8080\r\nConnection: close\r\n\r\n",
    );
    // Each byte arrives by itself; the first ten decide.
    for (const byte of utf8(answer).subarray(0, 10)) {
      await send(connection, Uint8Array.of(byte));
      await settle();
    }
    connection.close();
    assert.equal(await probing, isAnswer, answer);
    const { tcp } = two.group.status[0]!;
    assert.equal(tcp.state, isAnswer ? "up" : "down", answer);
    await two.stop();
  }
});

test("a probe of a page that says nothing fails at its timeout", async () => {
  const two = await TwoServers.start({ probeTarget: SITE });
  await two.world.target(SITE);
  const probing = two.group.probe("first");
  await two.world.clock.advance(PROBE_TIMEOUT_MS);
  assert.equal(await probing, false);
  assert.equal(two.group.status[0]!.tcp.lastErrorCode, "ERR_NET_TIMEOUT");
  await two.stop();
});

test("a server that closes each connection to a target is not blamed", async () => {
  const two = await TwoServers.start();
  await two.kill(FIRST);
  const closing = await two.world.target(FIRST);
  for (let i = 0; i < 20; i++) {
    const asking = two.ask();
    const connection = await accepted(closing);
    await settle();
    connection.close();
    assert.equal(await asking, false);
    await two.world.clock.advance(1_000);
  }
  assert.deepEqual(two.states, ["up", "up"]);
  assert.deepEqual(two.group.status[0]!.probes, {});
  await two.stop();
});

/** The interval of probes, 60 s, shortened by 30 %: no randomness here. */
const FIRST_ROUND_MS = 42_000;

/** A group of servers whose packets vanish. */
function vanished(endpoints: readonly Endpoint[]): {
  world: World;
  group: ServerGroup;
} {
  const world = new World(
    {
      dialFailures: new Map(
        endpoints.map(({ host, port }) => [`${host}:${port}`, "hang"]),
      ),
    },
    undefined,
    (length) => new Uint8Array(length),
  );
  const { method, masterKey } = world;
  const group = new ServerGroup(
    endpoints.map((endpoint) => ({ endpoint, method, masterKey })),
    { probe: "always" },
    world.dependencies,
  );
  return { world, group };
}

test("8 servers at most are probed at once", async () => {
  const { world, group } = vanished(
    Array.from({ length: 20 }, (_, i) => ({ host: `10.0.1.${i}`, port: 1 })),
  );
  const { dialled } = world.network;
  await world.clock.advance(FIRST_ROUND_MS);
  const counts = [dialled.length];
  while (dialled.length < 40) {
    await world.clock.advance(1_000);
    counts.push(dialled.length);
  }
  const atOnce = counts.slice(PROBE_TIMEOUT_MS / 1_000)
    .map((count, i) => count - counts[i]!);
  assert.equal(counts[0], MAX_PROBES);
  assert.equal(Math.max(...atOnce), MAX_PROBES);
  assert.equal(new Set(dialled).size, 20);
  group.stop();
});

test("servers of one host share a probe", async () => {
  const { world, group } = vanished([
    ...[1, 2, 3].map((port) => ({ host: "10.0.1.1", port })),
    OTHER,
  ]);
  await world.clock.advance(FIRST_ROUND_MS);
  assert.deepEqual(world.network.dialled, ["10.0.1.1:1", "10.0.0.4:8388"]);
  group.stop();
});
