/**
 * Copying both ways between two connections.
 *
 * @module
 */
import type { Allocate, BufferPool } from "../buffer_pool.ts";
import { type Clock, pause } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";
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
export function relay(
  up: Flow,
  down: Flow,
  options: RelayOptions,
): Promise<void> {
  // One promise for all that can happen: an idle relay is to be small.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  new Relay(options, resolve, reject).start(up, down);
  return promise;
}

/** Two directions, and everything that may end them. */
class Relay {
  readonly options: RelayOptions;
  readonly watchdog: IdleWatchdog;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #pumps: readonly Pump[] = [];
  #running = 0;
  #leaveSignals: (() => void)[] = [];

  constructor(
    options: RelayOptions,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.options = options;
    this.watchdog = new IdleWatchdog(this);
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(up: Flow, down: Flow): void {
    for (const signal of this.options.signals) {
      if (signal.aborted) return this.fail(signal.reason);
      const fail = (): void => this.fail(signal.reason);
      this.#leaveSignals.push(onAbort(signal, fail));
    }
    this.watchdog.start();
    this.#pumps = [new Pump(up, this), new Pump(down, this)];
    this.#running = this.#pumps.length;
    for (const pump of this.#pumps) void pump.run();
  }

  /** One direction has ended. */
  ended(): void {
    this.watchdog.halfClosed();
    if (--this.#running > 0) return;
    this.#stop();
    this.#resolve();
  }

  /** Nothing goes on after this; said again, it changes nothing. */
  fail(reason: unknown): void {
    this.#stop();
    this.#reject(reason);
  }

  #stop(): void {
    for (const leave of this.#leaveSignals) leave();
    this.#leaveSignals = [];
    this.watchdog.stop();
    for (const pump of this.#pumps) pump.stop();
    this.#pumps = [];
  }
}

/** Copies one direction. */
class Pump {
  readonly #flow: Flow;
  readonly #relay: Relay;
  #reading: Promise<Uint8Array | undefined> | undefined;
  #stopped = false;
  #pacing: AbortController | undefined;

  constructor(flow: Flow, relay: Relay) {
    this.#flow = flow;
    this.#relay = relay;
  }

  async run(): Promise<void> {
    const { source, sink, first } = this.#flow;
    const { options: { buffers }, watchdog } = this.#relay;
    try {
      if (first !== undefined && first.length > 0) {
        await sink.write(first);
        watchdog.touch();
      }
      while (!this.#stopped) {
        this.#reading = source.read();
        let chunk = await this.#reading;
        if (this.#stopped) return;
        this.#reading = undefined;
        if (chunk === undefined) break;
        const converted = this.#flow.convert(chunk, buffers.take);
        const waitMs = this.#flow.admit?.(chunk.length, converted.length);
        this.#flow.count(chunk.length, converted.length);
        this.#flow.recycle?.(chunk);
        // A write may wait for minutes, and this function holds what it names.
        chunk = undefined;
        watchdog.touch();
        if (waitMs) await this.#pace(waitMs);
        if (this.#stopped) return;
        if (converted.length > 0) await sink.write(converted);
        // Only now, and not if it failed: until then the system reads from it.
        buffers.give(converted);
        watchdog.touch();
      }
      if (this.#stopped) return;
      this.#flow.end?.();
      await sink.close();
      if (!this.#stopped) this.#relay.ended();
    } catch (error) {
      this.#relay.fail(error);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#pacing?.abort();
    if (this.#reading !== undefined) this.#flow.source.giveUp(this.#reading);
  }

  /** Keeps a rate; that is no idleness. */
  async #pace(waitMs: number): Promise<void> {
    const { options: { clock }, watchdog } = this.#relay;
    this.#pacing = new AbortController();
    watchdog.held++;
    await pause(clock, waitMs, this.#pacing.signal);
    watchdog.held--;
    watchdog.touch();
  }
}

/** Notices that nothing has moved; one timer, not one for each byte. */
class IdleWatchdog {
  readonly #relay: Relay;
  #timeoutMs: number;
  #lastMs: number;
  #cancel: () => void = () => {};
  /** Directions that wait on purpose. */
  held = 0;

  constructor(relay: Relay) {
    this.#relay = relay;
    this.#timeoutMs = relay.options.idleTimeoutMs;
    this.#lastMs = relay.options.clock.monotonicMs();
  }

  start(): void {
    this.#arm(this.#timeoutMs);
  }

  touch(): void {
    this.#lastMs = this.#relay.options.clock.monotonicMs();
  }

  /** From now on the shorter time-out counts. */
  halfClosed(): void {
    const { idleTimeoutMs, halfClosedIdleTimeoutMs } = this.#relay.options;
    this.#timeoutMs = Math.min(idleTimeoutMs, halfClosedIdleTimeoutMs);
    this.touch();
    this.#cancel();
    this.#arm(this.#timeoutMs);
  }

  stop(): void {
    this.#cancel();
  }

  #arm(delayMs: number): void {
    const { clock } = this.#relay.options;
    this.#cancel = clock.schedule(() => this.#check(), delayMs);
  }

  #check(): void {
    const idleMs = this.#relay.options.clock.monotonicMs() - this.#lastMs;
    if (this.held > 0) {
      this.#arm(this.#timeoutMs);
    } else if (idleMs < this.#timeoutMs) {
      this.#arm(this.#timeoutMs - idleMs);
    } else {
      const seconds = this.#timeoutMs / 1_000;
      this.#relay.fail(
        new TransportError("ERR_NET_IDLE", `Nothing moved for ${seconds} s`),
      );
    }
  }
}
