/**
 * Proves at start what the sockets of our own rest on: layouts of structures,
 * the number of an error, a wake-up from sleep, UDP in batches, TCP to its end.
 *
 * @module
 */
import { SELF_TEST_MS } from "../../../limits.ts";
import type { DatagramSocket, Transport } from "../../../transport.ts";
import { openLoop } from "./open_loop.ts";
import { linuxTransport } from "./transport.ts";

/** What is known of sockets that have proved themselves. */
export interface LinuxFacts {
  /** What wakes the runtime. */
  readonly bell: string;
  /** Why that is not io_uring. */
  readonly bellReason?: string;
}

let testing: Promise<LinuxFacts> | undefined;

/**
 * Tries them, once in a thread.
 *
 * @throws {Error} With what is missing or wrong.
 */
export function testLinux(): Promise<LinuxFacts> {
  return testing ??= withDeadline(test());
}

async function test(): Promise<LinuxFacts> {
  const { bell, reason } = await openLoop();
  const transport = await linuxTransport();
  await testStreams(transport);
  await testDatagrams(transport);
  return { bell, ...reason !== undefined && { bellReason: reason } };
}

/** A request and its answer, each up to its end. */
async function testStreams({ listen, dial }: Transport): Promise<void> {
  using open = new DisposableStack();
  const own = <T extends { close(): void }>(one: T): T =>
    open.adopt(one, () => one.close());
  const listener = own(await listen(HERE));
  const [near, accepted] = await Promise.all([
    dial(listener.address).then(own),
    listener.accept(),
  ]);
  const far = own(accepted!.connection);
  expect("the addresses of a connection", near.local.port, far.remote.port);
  for (const [from, to] of [[near, far], [far, near]] as const) {
    await from.write!(PATTERN);
    await from.closeWrite();
    let length = 0;
    for (let chunk; (chunk = await to.read!()) !== undefined;) {
      expect("a byte of a stream", chunk[0], PATTERN[length]);
      length += chunk.length;
    }
    expect("the length of a stream", length, PATTERN.length);
  }
}

/** More than one in a batch, of several sizes. */
async function testDatagrams({ bind }: Transport): Promise<void> {
  using near = closing(await bind(HERE));
  using far = closing(await bind(HERE));
  const sizes = [0, 1, 1_200, PATTERN.length];
  await Promise.all(
    sizes.map((size) =>
      near.socket.send(PATTERN.subarray(0, size), far.socket.address)
    ),
  );
  for (const size of sizes) {
    const { payload, from } = (await far.socket.receive())!;
    expect("the length of a datagram", payload.length, size);
    expect("the end of a datagram", payload[size - 1], PATTERN[size - 1]);
    expect("the sender of a datagram", from.port, near.socket.address.port);
  }
}

function closing(
  socket: DatagramSocket,
): Disposable & { readonly socket: DatagramSocket } {
  return { socket, [Symbol.dispose]: () => socket.close() };
}

function expect(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) {
    throw new Error(`${what} is ${got}, expected ${expected}`);
  }
}

/** A wake-up that is lost must not hold up the start. */
async function withDeadline<T>(work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${SELF_TEST_MS} ms`)),
      SELF_TEST_MS,
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const HERE = { host: "127.0.0.1", port: 0 };

/** No two neighbours are equal. */
const PATTERN: Uint8Array = Uint8Array.from({ length: 9_000 }, (_, i) => i * 7);
