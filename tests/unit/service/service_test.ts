import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { serve } from "../../../src/service/accept_loop.ts";
import {
  connectionCapacity,
  withDefaults,
} from "../../../src/service/service.ts";
import type { Place } from "../../../src/service/server/strangers.ts";
import { MIN_STRANGER_MS } from "../../../src/limits.ts";
import type { Connection } from "../../../src/transport.ts";
import { settle } from "../../support/fake_clock.ts";
import { observe, readAll } from "../../support/streams.ts";
import { World } from "../../support/world.ts";

const HERE = { host: "127.0.0.1", port: 9 };

describe("serve()", () => {
  test("opens no more than its limit, and says so once", async () => {
    const world = new World();
    const open: Connection[] = [];
    const hold = Promise.withResolvers<void>();
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 2 },
      ({ connection }) => {
        open.push(connection);
        return hold.promise;
      },
      withDefaults(world.dependencies),
    );
    for (let i = 0; i < 5; i++) await world.network.dial(HERE);
    await settle();
    assert.equal(open.length, 2);
    hold.resolve();
    await settle();
    assert.equal(open.length, 5);
    const full = world.lines.filter(({ message }) => /limit/.test(message));
    assert.equal(full.length, 1);
    await world.stop(service);
  });

  test("goes on accepting only when some way below its limit", async () => {
    const world = new World();
    const ends: (() => void)[] = [];
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 100 },
      () => new Promise((resolve) => ends.push(resolve)),
      withDefaults(world.dependencies),
    );
    for (let i = 0; i < 101; i++) await world.network.dial(HERE);
    await settle();
    assert.equal(ends.length, 100);
    ends[0]!();
    await settle();
    assert.equal(ends.length, 100);
    ends[1]!();
    await settle();
    assert.equal(ends.length, 101);
    for (const end of ends) end();
    await world.stop(service);
  });

  test("closes the oldest unauthenticated connection for a new one, and no other", async () => {
    const world = new World();
    const open: { connection: Connection; place: Place }[] = [];
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 100, maxStrangers: 2 },
      async ({ connection }, _signal, place) => {
        open.push({ connection, place });
        if (open.length === 1) place.admit();
        await readAll(connection.readable).catch(() => {});
      },
      withDefaults(world.dependencies),
    );
    const clients = [];
    for (let i = 0; i < 5; i++) clients.push(await world.network.dial(HERE));
    const seen = clients.map((client) => observe(client));
    await settle();
    assert.ok(seen.every((one) => one().end === "open"));
    assert.equal(open.length, 3);
    await world.clock.advance(MIN_STRANGER_MS);
    await settle();
    assert.deepEqual(
      seen.map((one) => one().end !== "open"),
      [false, true, true, false, false],
    );
    assert.deepEqual(
      open.map(({ place }) => place.dismissed),
      [false, true, true, false, false],
    );
    const warnings = world.lines.filter(({ level }) => level === "warn");
    assert.equal(warnings.length, 1);
    for (const client of clients) client.close();
    await world.stop(service);
  });

  test("lets the oldest stranger leave when it is full, before others wait", async () => {
    for (const maxConnections of [1, 3]) {
      const world = new World();
      const open: Place[] = [];
      const service = serve(
        await world.network.listen(HERE),
        { maxConnections, maxStrangers: maxConnections },
        async ({ connection }, _signal, place) => {
          // All but the last place are of clients that have authenticated.
          if (open.push(place) < maxConnections) place.admit();
          await readAll(connection.readable).catch(() => {});
        },
        withDefaults(world.dependencies),
      );
      const clients: Connection[] = [];
      for (let i = 0; i < maxConnections + 2; i++) {
        clients.push(await world.network.dial(HERE));
      }
      await settle();
      assert.equal(open.length, maxConnections);
      for (const count of [1, 2]) {
        await world.clock.advance(MIN_STRANGER_MS);
        await settle();
        assert.equal(open.length, maxConnections + count);
      }
      assert.deepEqual(
        open.map(({ dismissed }) => dismissed),
        [...Array(maxConnections - 1).fill(false), true, true, false],
      );
      for (const client of clients) client.close();
      await world.stop(service);
    }
  });

  test("has others wait when it is full and no stranger is there", async () => {
    const world = new World();
    const ends: (() => void)[] = [];
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 2, maxStrangers: 2 },
      (_accepted, _signal, place) => {
        place.admit();
        return new Promise((resolve) => ends.push(resolve));
      },
      withDefaults(world.dependencies),
    );
    for (let i = 0; i < 3; i++) await world.network.dial(HERE);
    await world.clock.advance(10 * MIN_STRANGER_MS);
    assert.equal(ends.length, 2);
    ends[0]!();
    await settle();
    assert.equal(ends.length, 3);
    for (const end of ends) end();
    await world.stop(service);
  });

  test("closes what one address has too much of", async () => {
    const world = new World();
    const ends: (() => void)[] = [];
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 100, maxPerHost: 2 },
      () => new Promise((resolve) => ends.push(resolve)),
      withDefaults(world.dependencies),
    );
    const dial = async (): Promise<() => string> => {
      const seen = observe(await world.network.dial(HERE));
      await settle();
      return () => seen().end;
    };
    const [first, second, third] = [await dial(), await dial(), await dial()];
    assert.equal(first(), "open");
    assert.equal(second(), "open");
    assert.notEqual(third(), "open");
    ends[0]!();
    await settle();
    assert.equal((await dial())(), "open");
    for (const end of ends) end();
    await world.stop(service);
  });

  test("survives running out of descriptors: waits, says so once, recovers", async () => {
    const world = new World();
    let served = 0;
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 10 },
      () => Promise.resolve(void served++),
      withDefaults(world.dependencies),
    );
    await settle();
    for (let i = 0; i < 4; i++) {
      world.network.failNextAccept("ERR_NET_DESCRIPTORS");
    }
    await world.network.dial(HERE);
    // 50, 100, 200 and 400 ms.
    await world.clock.advance(749);
    assert.equal(served, 0);
    await world.clock.advance(1);
    assert.equal(served, 1);
    assert.equal(world.lines.length, 1);
    // A shortage that lasts is one episode, though some accepts work.
    world.network.failNextAccept("ERR_NET_DESCRIPTORS");
    await world.network.dial(HERE);
    await world.clock.advance(2_000);
    await world.network.dial(HERE);
    await settle();
    assert.equal(served, 3);
    assert.deepEqual(
      world.lines.map(({ level, message }) => `${level} ${message}`),
      [
        "warn cannot accept connections, will keep trying",
        "info accepting again",
      ],
    );
    await world.stop(service);
  });

  test("stops at once, while it waits to accept again", async () => {
    const world = new World();
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 10 },
      () => Promise.resolve(),
      withDefaults(world.dependencies),
    );
    await settle();
    world.network.failNextAccept("ERR_NET_DESCRIPTORS");
    world.network.failNextAccept("ERR_NET_DESCRIPTORS");
    await world.network.dial(HERE);
    await settle();
    assert.equal(world.lines.length, 1);
    let stopped = false;
    const stopping = service.stop(0).then(() => stopped = true);
    await world.clock.advance(0);
    assert.ok(stopped);
    await stopping;
    assert.equal(world.clock.pending, 0);
  });

  test("closes the connection and goes on, when a handler fails", async () => {
    const world = new World();
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 10 },
      () => Promise.reject(new Error("defect")),
      withDefaults(world.dependencies),
    );
    for (let i = 0; i < 2; i++) {
      const client = await world.network.dial(HERE);
      assert.equal((await readAll(client.readable)).length, 0);
      client.close();
    }
    assert.equal(world.lines.length, 2);
    assert.equal(world.lines[0]?.level, "error");
    await world.stop(service);
    assert.equal(world.network.openConnections, 0);
  });

  test("stops while it waits for a slot", async () => {
    const world = new World();
    const service = serve(
      await world.network.listen(HERE),
      { maxConnections: 1 },
      (_connection, signal) =>
        new Promise((resolve) =>
          signal.addEventListener("abort", () => resolve())
        ),
      withDefaults(world.dependencies),
    );
    await world.network.dial(HERE);
    await world.network.dial(HERE);
    await settle();
    await world.stop(service);
    await assert.rejects(world.network.dial(HERE));
  });
});

test("connectionCapacity() keeps descriptors in reserve", () => {
  assert.equal(connectionCapacity(undefined, 16_384), 16_384);
  assert.equal(connectionCapacity(1_024, 16_384), 416);
  assert.equal(connectionCapacity(1_048_576, 16_384), 16_384);
  assert.equal(connectionCapacity(20, 16_384), 1);
  // What the operator wants is a bound, and so are the descriptors.
  assert.equal(connectionCapacity(1_024, 100), 100);
  assert.equal(connectionCapacity(1_048_576, 50_000), 50_000);
  assert.equal(connectionCapacity(undefined, 50_000), 50_000);
});
