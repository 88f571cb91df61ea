/**
 * Copying both ways between two connections.
 *
 * @module
 */
import type { BufferPool } from "../buffer_pool.ts";
import { concat, NOTHING } from "../bytes.ts";
import { type Clock, pause } from "../clock.ts";
import { type Idle, IdleTimer } from "../idle_timer.ts";
import { BREAK_OFF_MS } from "../limits.ts";
import { onAbort, Stop, type StopSignal } from "../on_abort.ts";
import type { Channel, Direction } from "./channel.ts";
import { nothingMoved } from "./idle_signal.ts";

/** Judges and counts what is relayed. */
export interface Passage {
  /**
   * Asked before payload passes; may throw, and then none does.
   *
   * @returns Milliseconds to wait before it does. Negative: it is not known yet
   * whether it may; asked again after so many milliseconds.
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
  readonly signals: readonly StopSignal[];
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
 * nothing more; the owner may go on through the channel's `reader`.
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
  const done = Promise.withResolvers<void>();
  new Relay(client, target, passage, options, done).start();
  return done.promise;
}

/** Two flows, and everything that may end them. */
class Relay implements Idle {
  readonly passage: Passage;
  readonly options: RelayOptions;
  readonly #client: Channel;
  readonly #target: Channel;
  readonly #up: Flow;
  readonly #down: Flow;
  readonly #timer: IdleTimer;
  readonly #resolve: () => void;
  readonly #reject: (reason: unknown) => void;
  #running = 2;
  #isOver = false;
  #leaveSignals: (() => void)[] = [];

  constructor(
    client: Channel,
    target: Channel,
    passage: Passage,
    options: RelayOptions,
    { resolve, reject }: Omit<PromiseWithResolvers<void>, "promise">,
  ) {
    this.passage = passage;
    this.options = options;
    this.#client = client;
    this.#target = target;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = new IdleTimer(options.clock, this);
    this.#up = new Flow("up", client, target, this);
    this.#down = new Flow("down", target, client, this);
  }

  start(): void {
    for (const signal of this.options.signals) {
      if (signal.aborted) return this.fail(signal.reason);
      const fail = (): void => this.fail(signal.reason);
      this.#leaveSignals.push(onAbort(signal, fail));
    }
    const { first } = this.options;
    this.#up.write(first?.up ?? NOTHING);
    this.#down.write(first?.down ?? NOTHING);
    this.#client.onReady = this.#target.onReady = () => this.goOn();
    this.goOn();
  }

  /** Moves what can be moved now. */
  goOn(): void {
    this.#up.run();
    this.#down.run();
    // A session may have waited for what came the other way.
    if (this.#up.isHeld) this.#up.run();
  }

  /** The session of this flow's source answers its peer by itself. */
  reply(flow: Flow, bytes: Uint8Array): void {
    const back = flow === this.#up ? this.#down : this.#up;
    back.reply(bytes);
  }

  /** One direction has ended. */
  ended(): void {
    this.touch();
    if (--this.#running > 0 || this.#isOver) return;
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
    this.#timer.touch();
  }

  /** A rate is to be kept, which is no idleness. @returns Ends the wait. */
  pace(waitMs: number, goOn: () => void): () => void {
    this.#timer.hold();
    return this.options.clock.schedule(() => {
      this.#timer.release();
      goOn();
      this.goOn();
    }, waitMs);
  }

  /** Nothing goes on after this; said again, it changes nothing. */
  fail(reason: unknown): void {
    if (this.#isOver) return;
    this.#stop();
    const told = this.#down.breakOff(reason);
    if (told === undefined) this.#reject(reason);
    else {
      const end = (): void => this.#reject(reason);
      told.then(end, end);
    }
  }

  #stop(): void {
    this.#isOver = true;
    for (const leave of this.#leaveSignals) leave();
    this.#leaveSignals = [];
    this.#timer.stop();
    this.#client.onReady = this.#target.onReady = undefined;
    this.#up.stop();
    this.#down.stop();
  }
}

/** A chunk, and the payload that was in it. */
interface Opened {
  readonly chunk: Uint8Array;
  readonly payload: Uint8Array;
}

/** Copies one direction, as far as both ends are ready. */
class Flow {
  readonly #direction: Direction;
  readonly #from: Channel;
  readonly #to: Channel;
  readonly #relay: Relay;
  /** What is being written, of which the sink has not taken `#rest`. */
  #bytes: Uint8Array = NOTHING;
  #rest: Uint8Array = NOTHING;
  /** True if `#bytes` are what was read. */
  #isPlain = false;
  /** What the sink's session has answered, to be written next. */
  #replies: Uint8Array = NOTHING;
  #isEnded = false;
  #isStopped = false;
  /** Ends the wait for a rate. */
  #endPace: (() => void) | undefined;
  /** What was opened and may not pass yet. */
  #held: Opened | undefined;

  constructor(direction: Direction, from: Channel, to: Channel, relay: Relay) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    this.#relay = relay;
  }

  /** True while the sink's session wants nothing more; see `isWaiting`. */
  get isHeld(): boolean {
    return this.#to.session.isWaiting === true;
  }

  /** Goes on until an end is not ready. */
  run(): void {
    try {
      while (this.#step());
    } catch (error) {
      this.#relay.fail(error);
    }
  }

  /** @returns True if the next step may be done at once. */
  #step(): boolean {
    if (this.#isStopped || this.#endPace !== undefined) return false;
    if (this.#rest.length > 0) return this.#writeRest();
    if (this.#replies.length > 0) return this.#writeReplies();
    if (this.#held !== undefined) {
      this.#pass(this.#held.chunk, this.#held.payload);
      return true;
    }
    // What is under way leaves before more is read, and before the end.
    if (this.#isEnded || this.isHeld) return false;
    const chunk = this.#from.reader.tryRead();
    if (chunk === undefined) return false;
    if (chunk === "end") this.#end();
    else this.#carry(chunk);
    return true;
  }

  /** Opens a chunk, and lets its payload pass. */
  #carry(chunk: Uint8Array): void {
    const { options: { buffers } } = this.#relay;
    const { payload, reply } = this.#from.session.open(chunk, buffers.take);
    if (reply !== undefined) this.#relay.reply(this, reply);
    this.#pass(chunk, payload);
  }

  /** Asks whether payload may pass, and seals it if so. */
  #pass(chunk: Uint8Array, payload: Uint8Array): void {
    const { options: { buffers }, passage } = this.#relay;
    const waitMs = passage.pass(this.#direction, payload.length);
    if (waitMs < 0) {
      this.#held = { chunk, payload };
      return this.#pace(-waitMs);
    }
    this.#held = undefined;
    const bytes = this.#to.session.seal(payload, buffers.take);
    if (bytes !== chunk) this.#from.connection.recycle?.(chunk);
    if (payload !== chunk && payload !== bytes) buffers.give(payload);
    this.#isPlain = bytes === chunk;
    this.write(bytes);
    this.#relay.touch();
    if (waitMs > 0) this.#pace(waitMs);
  }

  /** What is written next; nothing else is being written. */
  write(bytes: Uint8Array): void {
    this.#bytes = this.#rest = bytes;
  }

  #writeRest(): boolean {
    const taken = this.#to.writer.tryWrite(this.#rest);
    if (taken > 0) this.#relay.touch();
    if (taken < this.#rest.length) {
      if (taken > 0) this.#rest = this.#rest.subarray(taken);
      return false;
    }
    // Only now, and not if it failed: until then the system reads from it.
    if (this.#isPlain) this.#from.connection.recycle?.(this.#bytes);
    else this.#relay.options.buffers.give(this.#bytes);
    this.#isPlain = false;
    this.write(NOTHING);
    return true;
  }

  /** To be written between two chunks. */
  reply(bytes: Uint8Array): void {
    this.#replies = concat(this.#replies, bytes);
    this.run();
  }

  #writeReplies(): boolean {
    this.write(this.#replies);
    this.#replies = NOTHING;
    return true;
  }

  /** The source has ended: so does the sink. */
  #end(): void {
    this.#isEnded = true;
    this.#from.session.end();
    this.#relay.passage.ended?.(this.#direction);
    this.#to.writer.close()
      .then(() => this.#relay.ended(), (error) => this.#relay.fail(error));
  }

  /** Keeps a rate. */
  #pace(waitMs: number): void {
    this.#endPace = this.#relay.pace(waitMs, () => this.#endPace = undefined);
  }

  /** Nothing is read or written any more. */
  stop(): void {
    this.#isStopped = true;
    this.#endPace?.();
  }

  /**
   * Writes a chunk without its last byte, where the client is to see it. After
   * `stop()`; the result never rejects.
   */
  breakOff(reason: unknown): Promise<void> | undefined {
    const { options: { clock }, passage } = this.#relay;
    // If a write is under way, its rest is missing.
    const mayWrite = this.#rest.length === 0 && !this.#isEnded;
    if (!mayWrite || passage.breaksOff?.(reason) !== true) return undefined;
    const writing = this.#to.breakOff();
    if (writing === undefined) return undefined;
    const done = new Stop();
    const end = (): void => done.abort(undefined);
    writing.then(end, end);
    return pause(clock, BREAK_OFF_MS, done);
  }
}
