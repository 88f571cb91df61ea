/**
 * Strangers that probe a server, and what they may observe: nothing.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { RandomBytes } from "../../src/random.ts";
import type { ServerOptions } from "../../src/service/server/server.ts";
import type { Connection } from "../../src/transport.ts";
import { type Observation, observe, send } from "./streams.ts";
import { SERVER, World } from "./world.ts";

/**
 * Deadline of these servers in milliseconds, without jitter because of
 * `noJitter`.
 */
export const PATIENCE_MS = 60_000;
/** Returns only zeros. */
export const noJitter: RandomBytes = (length) => new Uint8Array(length);

/** No byte, no close. */
export const SILENT: Observation = { received: new Uint8Array(0), end: "open" };
/** No byte, then FIN. */
export const CLOSED: Observation = { received: new Uint8Array(0), end: "fin" };

/** Sends every probe over a connection of its own and watches all. */
export async function expectSilence(
  methodName: string,
  probes: readonly Uint8Array[],
  options: Partial<ServerOptions> = {},
): Promise<void> {
  const world = await startServer(methodName, options);
  const target = await world.target();
  const running = await Promise.all(
    probes.map((bytes) => probe(world, bytes)),
  );
  await world.clock.advance(PATIENCE_MS - 1);
  for (const [i, { seen }] of running.entries()) {
    assert.deepEqual(seen(), SILENT, `probe ${i} before the deadline`);
  }
  await world.clock.advance(1);
  for (const [i, { seen, client }] of running.entries()) {
    assert.deepEqual(seen(), CLOSED, `probe ${i} at the deadline`);
    client.close();
  }
  assert.deepEqual(
    world.network.dialled.filter((to) => to !== "10.0.0.2:8388"),
    [],
  );
  target.close();
  await world.stop();
  assert.equal(world.network.openConnections, 0);
}

/** Starts a world with a server whose deadline has no jitter. */
export async function startServer(
  methodName = "chacha20-ietf-poly1305",
  options: Partial<ServerOptions> = {},
): Promise<World> {
  const world = new World({ capacity: 1 << 20 }, methodName, noJitter);
  await world.server({
    handshakeTimeoutMs: PATIENCE_MS,
    maxConnections: 10_000,
    ...options,
  });
  return world;
}

/** A stranger's connection. */
export interface Probe {
  /** The connection, to be closed by the caller. */
  readonly client: Connection;
  /** Returns what the stranger has observed. */
  readonly seen: ReturnType<typeof observe>;
}

/** Connects and sends bytes. */
export async function probe(world: World, bytes: Uint8Array): Promise<Probe> {
  const client = await world.network.dial(SERVER);
  const seen = observe(client);
  if (bytes.length > 0) await send(client, bytes);
  return { client, seen };
}
