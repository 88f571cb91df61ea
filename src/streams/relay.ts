/**
 * Copying both ways between two connections.
 *
 * @module
 */
import type { Allocate, BufferPool } from "../buffer_pool.ts";
import { type Clock, pause } from "../clock.ts";
import { TransportError } from "../errors.ts";
import type { ByteReader } from "./byte_reader.ts";
import type { ByteWriter } from "./byte_writer.ts";

/** One direction of a relay. */
export interface Flow {
  /** Where bytes come from. */
  readonly source: ByteReader;
  /** Where they go. */
  readonly sink: ByteWriter;
  /** Written to the sink before anything is read, as it is. */
  readonly first?: Uint8Array;
  /**
   * What happens to a chunk on its way: seal or open it. An empty result is
   * not written. The result must not share memory with anything kept: after it
   * is written, its memory is used again.
   */
  convert(chunk: Uint8Array, allocate: Allocate): Uint8Array;
  /** Takes a chunk of the source back, once it has been converted. */
  recycle?(chunk: Uint8Array): void;
  /** Called at the end of the source, before the sink is closed; may throw. */
  end?(): void;
  /**
   * Asked before bytes pass; may throw, and then none do.
   *
   * @returns Milliseconds to wait before they do.
   */
  admit?(chunkBytes: number, convertedBytes: number): number;
  /** Told how many bytes pass. */
  count(chunkBytes: number, convertedBytes: number): void;
}

/** How long a relay lives, and on what. */
export interface RelayOptions {
  /** Where results of conversions come from and go back to. */
  readonly buffers: BufferPool;
  /** Measures idle time. */
  readonly clock: Clock;
  /** Milliseconds without a byte in either direction. */
  readonly idleTimeoutMs: number;
  /** The same once one direction has ended. */
  readonly halfClosedIdleTimeoutMs: number;
  /** The abort of any ends the relay with that signal's reason. */
  readonly signals: readonly AbortSignal[];
}

/**
 * Copies until both directions have ended; the end of a source becomes the
 * end (FIN) of its sink while the other direction goes on.
 *
 * Space: one chunk being read and one being written for each direction.
 *
 * Ownership: closes neither connection. When it fails, it reads and writes
 * nothing more; what is pending then ends when the owner closes the
 * connection, and a read may be taken over through the flow's `source`.
 *
 * @throws What the first failing read, write, conversion or `end()` threw;
 * `TransportError` `ERR_NET_IDLE`; the reason of a signal.
 */
export async function relay(
  up: Flow,
  down: Flow,
  options: RelayOptions,
): Promise<void> {
  const { signals } = options;
  for (const signal of signals) signal.throwIfAborted();
  // One promise for all that can happen: an idle relay is to be small.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const watchdog = new IdleWatchdog(options, reject);
  const onAbort = ({ target }: Event): void =>
    reject((target as AbortSignal).reason);
  for (const signal of signals) signal.addEventListener("abort", onAbort);
  const pumps = [up, down].map((flow) => new Pump(flow, watchdog, options));
  let running = pumps.length;
  const onEnd = (): void => {
    watchdog.halfClosed();
    if (--running === 0) resolve();
  };
  for (const pump of pumps) pump.run().then(onEnd, reject);
  try {
    await promise;
  } finally {
    for (const signal of signals) signal.removeEventListener("abort", onAbort);
    watchdog.stop();
    for (const pump of pumps) pump.stop();
  }
}

/** Copies one direction. */
class Pump {
  readonly #flow: Flow;
  readonly #watchdog: IdleWatchdog;
  readonly #buffers: BufferPool;
  readonly #clock: Clock;
  #stopped = false;
  #pacing: AbortController | undefined;

  constructor(
    flow: Flow,
    watchdog: IdleWatchdog,
    { buffers, clock }: RelayOptions,
  ) {
    this.#flow = flow;
    this.#watchdog = watchdog;
    this.#buffers = buffers;
    this.#clock = clock;
  }

  async run(): Promise<void> {
    const { source, sink, first } = this.#flow;
    if (first !== undefined && first.length > 0) {
      await sink.write(first);
      this.#watchdog.touch();
    }
    for (;;) {
      const chunk = await source.read();
      if (this.#stopped) return;
      if (chunk === undefined) break;
      const converted = this.#flow.convert(chunk, this.#buffers.take);
      const waitMs = this.#flow.admit?.(chunk.length, converted.length);
      this.#flow.count(chunk.length, converted.length);
      this.#flow.recycle?.(chunk);
      this.#watchdog.touch();
      if (waitMs) await this.#pace(waitMs);
      if (this.#stopped) return;
      if (converted.length > 0) await sink.write(converted);
      // Only now, and not if it failed: until then the system reads from it.
      this.#buffers.give(converted);
      this.#watchdog.touch();
    }
    this.#flow.end?.();
    await sink.close();
  }

  stop(): void {
    this.#stopped = true;
    this.#pacing?.abort();
  }

  /** Keeps a rate; that is no idleness. */
  async #pace(waitMs: number): Promise<void> {
    this.#pacing = new AbortController();
    this.#watchdog.held++;
    await pause(this.#clock, waitMs, this.#pacing.signal);
    this.#watchdog.held--;
    this.#watchdog.touch();
  }
}

/** Notices that nothing has moved; one timer, not one for each byte. */
class IdleWatchdog {
  readonly #options: RelayOptions;
  readonly #fail: (reason: TransportError) => void;
  #timeoutMs: number;
  #lastMs: number;
  #cancel: () => void = () => {};
  /** Directions that wait on purpose. */
  held = 0;

  constructor(
    options: RelayOptions,
    fail: (reason: TransportError) => void,
  ) {
    this.#options = options;
    this.#fail = fail;
    this.#timeoutMs = options.idleTimeoutMs;
    this.#lastMs = options.clock.monotonicMs();
    this.#arm(this.#timeoutMs);
  }

  touch(): void {
    this.#lastMs = this.#options.clock.monotonicMs();
  }

  /** From now on the shorter time-out counts. */
  halfClosed(): void {
    const { idleTimeoutMs, halfClosedIdleTimeoutMs } = this.#options;
    this.#timeoutMs = Math.min(idleTimeoutMs, halfClosedIdleTimeoutMs);
    this.touch();
    this.#cancel();
    this.#arm(this.#timeoutMs);
  }

  stop(): void {
    this.#cancel();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#options.clock.schedule(() => this.#check(), delayMs);
  }

  #check(): void {
    const idleMs = this.#options.clock.monotonicMs() - this.#lastMs;
    if (this.held > 0) {
      this.#arm(this.#timeoutMs);
    } else if (idleMs < this.#timeoutMs) {
      this.#arm(this.#timeoutMs - idleMs);
    } else {
      const seconds = this.#timeoutMs / 1_000;
      this.#fail(
        new TransportError("ERR_NET_IDLE", `Nothing moved for ${seconds} s`),
      );
    }
  }
}
