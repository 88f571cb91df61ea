/**
 * A relay without crypto, over the same streams: what is below it is the
 * runtime's and the kernel's.
 *
 * Usage: `floor.ts LISTEN_PORT TARGET_PORT`.
 *
 * @module
 */
import process from "node:process";
import { systemTransport } from "../../src/adapters/net/system.ts";
import { type Allocate, BufferPool } from "../../src/buffer_pool.ts";
import { systemClock } from "../../src/clock.ts";
import { TransportError } from "../../src/errors.ts";
import { serve } from "../../src/service/accept_loop.ts";
import { withDefaults } from "../../src/service/service.ts";
import { ByteReader } from "../../src/streams/byte_reader.ts";
import { ByteWriter } from "../../src/streams/byte_writer.ts";
import { type Flow, relay } from "../../src/streams/relay.ts";
import type { Connection } from "../../src/transport.ts";

const [listenPort, targetPort] = process.argv.slice(2).map(Number);
const transport = systemTransport();
const buffers = new BufferPool();

function flow(from: Connection, to: Connection): Flow {
  return {
    source: new ByteReader(from),
    sink: new ByteWriter(to),
    // What is written is used again, so even here it must be a copy.
    convert(chunk: Uint8Array, allocate: Allocate): Uint8Array {
      const copy = allocate(chunk.length);
      copy.set(chunk);
      return copy;
    },
    recycle: (chunk) => from.recycle?.(chunk),
    count: () => {},
  };
}

async function handle(client: Connection, signal: AbortSignal): Promise<void> {
  const target = await transport.dial({ host: "127.0.0.1", port: targetPort! });
  try {
    await relay(flow(client, target), flow(target, client), {
      buffers,
      clock: systemClock,
      idleTimeoutMs: 60_000,
      halfClosedIdleTimeoutMs: 60_000,
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
