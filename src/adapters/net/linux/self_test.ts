/**
 * Tests at the start what Umbra's own sockets depend on: layouts of structures,
 * the value of an error, a wake-up from sleep, UDP in batches, a complete TCP
 * exchange.
 *
 * @module
 */
import { SELF_TEST_MS } from "../../../limits.ts";
import type { Transport } from "../../../transport.ts";
import { openLoop } from "./open_loop.ts";
import { linuxTransport } from "./transport.ts";

/** Facts about sockets that have passed the self-test. */
export interface LinuxFacts {
  /** The name of the bell that wakes the runtime. */
  readonly bell: string;
  /** Why the best bell is not available. */
  readonly bellReason?: string;
}

let testing: Promise<LinuxFacts> | undefined;

/**
 * Tests the sockets, once in a thread.
 *
 * @throws {Error} With what is missing or wrong.
 */
export function testLinux(): Promise<LinuxFacts> {
  return testing ??= testAndClose();
}

/**
 * Runs the tests. A test that would wait forever ends when its sockets are
 * closed.
 */
async function testAndClose(): Promise<LinuxFacts> {
  using open = new DisposableStack();
  return await withDeadline(test(open));
}

async function test(open: DisposableStack): Promise<LinuxFacts> {
  const { bell, reason } = await openLoop();
  const transport = await linuxTransport();
  const own = <T extends { close(): void }>(one: T): T =>
    open.adopt(one, () => one.close());
  await testStreams(transport, own);
  await testDatagrams(transport, own);
  return { bell, ...reason !== undefined && { bellReason: reason } };
}

/** Registers an object to be closed at the end. */
type Own = <T extends { close(): void }>(one: T) => T;

/** Tests a request and its answer, each to its end. */
async function testStreams(
  { listen, dial }: Transport,
  own: Own,
): Promise<void> {
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

/** Tests several datagrams of different lengths in one batch. */
async function testDatagrams({ bind }: Transport, own: Own): Promise<void> {
  const [near, far] = [own(await bind(HERE)), own(await bind(HERE))];
  const sizes = [0, 1, 1_200, PATTERN.length];
  await Promise.all(
    sizes.map((size) => near.send(PATTERN.subarray(0, size), far.address)),
  );
  for (const size of sizes) {
    const { payload, from } = (await far.receive())!;
    expect("the length of a datagram", payload.length, size);
    expect("the end of a datagram", payload[size - 1], PATTERN[size - 1]);
    expect("the sender of a datagram", from.port, near.address.port);
  }
}

function expect(what: string, got: unknown, expected: unknown): void {
  if (got !== expected) {
    throw new Error(`${what} is ${got}, expected ${expected}`);
  }
}

/** Limits the time, so that a lost wake-up does not block the start. */
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

/** Test data without equal neighbours. */
const PATTERN: Uint8Array = Uint8Array.from({ length: 9_000 }, (_, i) => i * 7);
