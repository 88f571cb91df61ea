/**
 * A relay without encryption, over the same streams: its cost is that of
 * runtime and kernel.
 *
 * Usage: `floor.ts LISTEN_PORT TARGET_PORT`.
 *
 * @module
 */
import process from "node:process";
import { systemTransport } from "../../src/adapters/net/system.ts";
import {
  type Allocate,
  allocateFresh,
  BufferPool,
} from "../../src/buffer_pool.ts";
import { systemClock } from "../../src/clock.ts";
import { TransportError } from "../../src/errors.ts";
import { serve } from "../../src/service/accept_loop.ts";
import { withDefaults } from "../../src/service/service.ts";
import type { StreamSession } from "../../src/session/stream_protocol.ts";
import { Channel, PLAIN } from "../../src/streams/channel.ts";
import { relay } from "../../src/streams/relay.ts";
import type { Accepted } from "../../src/transport.ts";

const [listenPort, targetPort] = process.argv.slice(2).map(Number);
const transport = systemTransport();
const buffers = new BufferPool();

/** Copies the bytes, as a session without a cipher would. */
const COPYING: StreamSession = {
  ...PLAIN,
  seal(payload: Uint8Array, allocate: Allocate = allocateFresh): Uint8Array {
    const copy = allocate(payload.length);
    copy.set(payload);
    return copy;
  },
};

async function handle(
  { connection: client }: Accepted,
  signal: AbortSignal,
): Promise<void> {
  const target = await transport.dial({ host: "127.0.0.1", port: targetPort! });
  try {
    const passage = { pass: () => 0 };
    const ends = [client, target].map((end) => new Channel(end, COPYING));
    await relay(ends[0]!, ends[1]!, passage, {
      buffers,
      clock: systemClock,
      idleTimeoutMs: 60_000,
      signals: [signal],
    });
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
  } finally {
    target.close();
  }
}

const listener = await transport.listen({
  host: "127.0.0.1",
  port: listenPort!,
});
serve(
  listener,
  { maxConnections: 10_000 },
  handle,
  withDefaults({ transport }),
);
process.stderr.write(`listening on ${listenPort}\n`);
