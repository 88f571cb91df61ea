/**
 * A relay without encryption, over the same streams and datagrams: its cost is
 * that of runtime and kernel.
 *
 * Usage: `floor.ts LISTEN_PORT TARGET_PORT runtime|linux tunnel|socks`. With
 * `socks` it answers a SOCKS5 client, and connects to TARGET_PORT all the same.
 * Datagrams of SOCKS5 go to TARGET_PORT without their first three bytes, and
 * those of a tunnel to the IPv4 address that they begin with.
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
import type {
  Accepted,
  DatagramSocket,
  Endpoint,
} from "../../src/transport.ts";

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
  if (front === "socks" && await greet(source) === ASSOCIATE) {
    await source.reader.read();
    return;
  }
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

/** The command of SOCKS5 for datagrams. */
const ASSOCIATE = 3;

/**
 * Answers greeting and request, which the client sends one by one.
 *
 * @returns The command of the request.
 */
async function greet({ reader, writer }: Channel): Promise<number | undefined> {
  const port = [listenPort! >> 8, listenPort! & 255];
  let asked: Uint8Array | undefined;
  for (const answer of [[5, 0], [5, 0, 0, 1, 127, 0, 0, 1, ...port]]) {
    asked = await reader.read();
    if (asked === undefined) return undefined;
    await writer.write(Uint8Array.from(answer));
  }
  return asked?.[1];
}

/** Length of what SOCKS5 writes before an address. */
const RESERVED_LENGTH = 3;

/** Length of an IPv4 address with its kind and port. */
const ADDRESS_LENGTH = 7;

/** Relays datagrams, with a socket for each client. */
async function relayDatagrams(): Promise<void> {
  const socket = await transport.bind({ host: "127.0.0.1", port: listenPort! });
  const ways = new Map<number, Promise<DatagramSocket>>();
  const cut = front === "socks" ? RESERVED_LENGTH : ADDRESS_LENGTH;
  const open = async (client: Endpoint, header: Uint8Array) => {
    const way = await transport.bind({ host: "127.0.0.1", port: 0 });
    way.handTo({
      take({ payload }): void {
        const answer = new Uint8Array(cut + payload.length);
        answer.set(header);
        answer.set(payload, cut);
        socket.post(answer, client, ignore);
      },
      fail: ignore,
    });
    return way;
  };
  socket.handTo({
    async take({ payload, from }): Promise<void> {
      const begin = payload.slice(0, cut);
      let way = ways.get(from.port);
      if (way === undefined) ways.set(from.port, way = open(from, begin));
      const to = front === "socks" ? targetPort! : begin[5]! << 8 | begin[6]!;
      const rest = payload.slice(cut);
      (await way).post(rest, { host: "127.0.0.1", port: to }, ignore);
    },
    fail: ignore,
  });
}

function ignore(): void {}

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
await relayDatagrams();
process.stderr.write(`listening on ${listenPort}\n`);
