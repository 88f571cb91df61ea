/**
 * Copying both ways between two connections.
 *
 * @module
 */
import type { BufferPool } from "../buffer_pool.ts";
import { type Clock, pause } from "../clock.ts";
import { type Idle, IdleTimer } from "../idle_timer.ts";
import { BREAK_OFF_MS } from "../limits.ts";
import { onAbort } from "../on_abort.ts";
import type { Channel, Direction } from "./channel.ts";
import { nothingMoved } from "./idle_signal.ts";

/** Judges and counts what is relayed. */
export interface Passage {
  /**
   * Asked before payload passes; may throw, and then none does.
   *
   * @returns Milliseconds to wait before it does.
   */
  pass(direction: Direction, payloadBytes: number): number;
  /**
   * Asked when the relay fails while nothing is written to the client.
   *
   * @returns True if the client is to see a chunk that breaks off: FIN alone
   * would tell that the target has ended. Default: false.
   */
  breaksOff?(reason: unknown): boolean;
  /** A direction has ended; may throw, before the end is passed on. */
  ended?(direction: Direction): void;
}

/** Bytes of each direction that are written before any is read. */
export interface FirstBytes {
  /** To the target's connection. */
  readonly up: Uint8Array;
  /** To the client's connection; default: none. */
  readonly down?: Uint8Array;
}

/** How long a relay lives, and on what. */
export interface RelayOptions {
  /** Where bytes that are sealed and opened come from and go back to. */
  readonly buffers: BufferPool;
  /** Measures idle time. */
  readonly clock: Clock;
  /** Milliseconds without a byte in either direction. */
  readonly idleTimeoutMs: number;
  /** The abort of any ends the relay with that signal's reason. */
  readonly signals: readonly AbortSignal[];
  /** Default: nothing. */
  readonly first?: FirstBytes;
}

/**
 * Copies until both directions have ended; the end of a source becomes the
 * end (FIN) of its sink while the other direction goes on.
 *
 * Space: one chunk being read and one being written for each direction.
 *
 * Ownership: closes neither channel. When it fails, it reads and writes
 * nothing more; what is pending then ends when the owner closes the channel,
 * and a read may be taken over through the channel's `reader`.
 *
 * @throws What the first failing read, write, session or passage threw;
 * `TransportError` `ERR_NET_IDLE`; the reason of a signal.
 */
export function relay(
  client: Channel,
  target: Channel,
  passage: Passage,
  options: RelayOptions,
): Promise<void> {
  // One promise for all that can happen: an idle relay is to be small.
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  new Relay(passage, options, resolve, reject).start(client, target);
  return promise;
}

/** Two directions, and everything that may end them. */
class Relay implements Idle {
  readonly passage: Passage;
  readonly options: RelayOptions;
  #timer: IdleTimer | undefined;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #pumps: readonly Pump[] = [];
  #running = 0;
  #failed = false;
  #leaveSignals: (() => void)[] = [];

  constructor(
    passage: Passage,
    options: RelayOptions,
    resolve: () => void,
    reject: (reason: unknown) => void,
  ) {
    this.passage = passage;
    this.options = options;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(client: Channel, target: Channel): void {
    for (const signal of this.options.signals) {
      if (signal.aborted) return this.fail(signal.reason);
      const fail = (): void => this.fail(signal.reason);
      this.#leaveSignals.push(onAbort(signal, fail));
    }
    this.#timer = new IdleTimer(this.options.clock, this);
    const up = new Pump("up", client, target, this);
    const down = new Pump("down", target, client, this);
    this.#pumps = [up, down];
    this.#running = this.#pumps.length;
    const { first } = this.options;
    const fail = (reason: unknown): void => this.fail(reason);
    up.run(first?.up).catch(fail);
    down.run(first?.down).catch(fail);
  }

  /** One direction has ended. */
  ended(): void {
    this.touch();
    if (--this.#running > 0) return;
    this.#stop();
    this.#resolve();
  }

  /** See {@link Idle.idleTimeoutMs}. */
  idleTimeoutMs(): number {
    return this.options.idleTimeoutMs;
  }

  /** See {@link Idle.onIdle}. */
  onIdle(): void {
    this.fail(nothingMoved(this.options.idleTimeoutMs));
  }

  /** Something has moved. */
  touch(): void {
    this.#timer?.touch();
  }

  /** Waits to keep a rate, which is no idleness. */
  async pace(waitMs: number, signal: AbortSignal): Promise<void> {
    this.#timer?.hold();
    await pause(this.options.clock, waitMs, signal);
    this.#timer?.release();
  }

  /** Nothing goes on after this; said again, it changes nothing. */
  fail(reason: unknown): void {
    if (this.#failed) return;
    this.#failed = true;
    const pumps = this.#pumps;
    this.#stop();
    const told = pumps.map((pump) => pump.breakOff(reason))
      .find((one) => one !== undefined);
    if (told === undefined) this.#reject(reason);
    else {
      const end = (): void => this.#reject(reason);
      told.then(end, end);
    }
  }

  #stop(): void {
    for (const leave of this.#leaveSignals) leave();
    this.#leaveSignals = [];
    this.#timer?.stop();
    for (const pump of this.#pumps) pump.stop();
    this.#pumps = [];
  }
}

/** Copies one direction. */
class Pump {
  readonly #direction: Direction;
  readonly #from: Channel;
  readonly #to: Channel;
  readonly #relay: Relay;
  #reading: Promise<Uint8Array | undefined> | undefined;
  #stopped = false;
  #pacing: AbortController | undefined;

  constructor(direction: Direction, from: Channel, to: Channel, relay: Relay) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    this.#relay = relay;
  }

  /** Its rejection ends the relay. */
  async run(first: Uint8Array | undefined): Promise<void> {
    const { reader, session } = this.#from;
    const { writer } = this.#to;
    const { options: { buffers }, passage } = this.#relay;
    if (first !== undefined && first.length > 0) {
      await writer.write(first);
      this.#relay.touch();
    }
    while (!this.#stopped) {
      if (this.#to.session.isWaiting === true) {
        await this.#untilPassing();
        if (this.#stopped) return;
      }
      this.#reading = reader.read();
      let chunk = await this.#reading;
      if (this.#stopped) return;
      this.#reading = undefined;
      if (chunk === undefined) break;
      const { bytes, waitMs } = this.#carry(chunk);
      const isSame = bytes === chunk;
      // A write may wait for minutes, and this function holds what it names.
      chunk = undefined;
      this.#relay.touch();
      if (waitMs > 0) await this.#pace(waitMs);
      if (this.#stopped) return;
      if (bytes.length > 0) await writer.write(bytes);
      // Only now, and not if it failed: until then the system reads from it.
      if (isSame) this.#from.connection.recycle?.(bytes);
      else buffers.give(bytes);
      this.#relay.touch();
    }
    if (this.#stopped) return;
    session.end();
    passage.ended?.(this.#direction);
    await writer.close();
    if (!this.#stopped) this.#relay.ended();
  }

  /** What is to be written for a chunk, and after how many milliseconds. */
  #carry(chunk: Uint8Array): { bytes: Uint8Array; waitMs: number } {
    const { options: { buffers }, passage } = this.#relay;
    const { payload, reply } = this.#from.session.open(chunk, buffers.take);
    if (reply !== undefined) this.#reply(reply);
    this.#from.opened();
    const waitMs = passage.pass(this.#direction, payload.length);
    const bytes = this.#to.session.seal(payload, buffers.take);
    this.#giveBack(chunk, payload, bytes);
    return { bytes, waitMs };
  }

  /** What is needed no more once `bytes` are made. */
  #giveBack(chunk: Uint8Array, payload: Uint8Array, bytes: Uint8Array): void {
    if (bytes !== chunk) this.#from.connection.recycle?.(chunk);
    if (payload !== chunk && payload !== bytes) {
      this.#relay.options.buffers.give(payload);
    }
  }

  /** The session answers its peer by itself. */
  #reply(bytes: Uint8Array): void {
    this.#from.writer.reply(bytes)
      .catch((error) => this.#relay.fail(error));
  }

  /** What is under way leaves before more is read, and before the end. */
  async #untilPassing(): Promise<void> {
    while (this.#to.session.isWaiting === true && !this.#stopped) {
      await this.#to.nextOpened();
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#pacing?.abort();
    this.#to.opened();
    if (this.#reading !== undefined) this.#from.reader.giveUp(this.#reading);
  }

  /**
   * Writes a chunk without its last byte, where the client is to see it. After
   * `stop()`; the result never rejects.
   */
  breakOff(reason: unknown): Promise<void> | undefined {
    const { options: { clock }, passage } = this.#relay;
    // If nothing is being read, a write is under way, and its rest is missing.
    const mayWrite = this.#direction === "down" && this.#reading !== undefined;
    if (!mayWrite || passage.breaksOff?.(reason) !== true) return undefined;
    const writing = this.#to.breakOff();
    if (writing === undefined) return undefined;
    const done = new AbortController();
    const end = (): void => done.abort();
    writing.then(end, end);
    return pause(clock, BREAK_OFF_MS, done.signal);
  }

  /** Keeps a rate. */
  async #pace(waitMs: number): Promise<void> {
    this.#pacing = new AbortController();
    await this.#relay.pace(waitMs, this.#pacing.signal);
  }
}
