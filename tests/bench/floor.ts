/**
 * A relay without encryption, over the same streams: its cost is that of
 * runtime and kernel.
 *
 * Usage: `floor.ts LISTEN_PORT TARGET_PORT runtime|linux tunnel|socks`. With
 * `socks` it answers a SOCKS5 client, and connects to TARGET_PORT all the same.
 *
 * @module
 */
import process from "node:process";
import { linuxTransport } from "../../src/adapters/net/linux/transport.ts";
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

const [listenPort, targetPort] = process.argv.slice(2, 4).map(Number);
const [kind, front] = process.argv.slice(4);
const transport = kind === "linux" ? await linuxTransport() : systemTransport();
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
  const source = new Channel(client, COPYING);
  if (front === "socks") await greet(source);
  const target = await transport.dial({ host: "127.0.0.1", port: targetPort! });
  try {
    const passage = { pass: () => 0 };
    await relay(source, new Channel(target, COPYING), passage, {
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

/** Answers greeting and request, which the client sends one by one. */
async function greet({ reader, writer }: Channel): Promise<void> {
  for (const answer of [[5, 0], [5, 0, 0, 1, 0, 0, 0, 0, 0, 0]]) {
    if (await reader.read() === undefined) return;
    await writer.write(Uint8Array.from(answer));
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
