/**
 * Relays bytes between two connections in both directions.
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

/** Checks and counts relayed payload. */
export interface Passage {
  /**
   * Called before payload is relayed; if it throws, none is.
   *
   * @returns Milliseconds to wait before the next payload. A negative number
   * means that it is not known yet if the payload may pass; it is called again
   * after that many milliseconds.
   */
  pass(direction: Direction, payloadBytes: number): number;
  /**
   * Called if the relay fails while no write to the client is pending.
   *
   * @returns True if the client must get an incomplete chunk, because a FIN
   * alone would look like the end of the target's stream. Default: false.
   */
  breaksOff?(reason: unknown): boolean;
  /**
   * Called when a direction has ended, before the end is passed on; may throw.
   */
  ended?(direction: Direction): void;
}

/** Bytes that are written in each direction before any is read. */
export interface FirstBytes {
  /** Bytes for the target's connection. */
  readonly up: Uint8Array;
  /** Bytes for the client's connection; default: none. */
  readonly down?: Uint8Array;
}

/** The options of a relay. */
export interface RelayOptions {
  /** The pool of buffers for sealed and opened bytes. */
  readonly buffers: BufferPool;
  /** Measures idle time. */
  readonly clock: Clock;
  /** Milliseconds without a byte in either direction until the relay fails. */
  readonly idleTimeoutMs: number;
  /** If any of these aborts, the relay fails with that signal's reason. */
  readonly signals: readonly StopSignal[];
}

/**
 * Relays until both directions have ended. The end of a source is passed on to
 * its sink as a FIN, while the other direction continues.
 *
 * Space: for each direction, one chunk that is being read and one that is being
 * written.
 *
 * Ownership: neither channel is closed. After a failure, nothing more is read
 * or written, and the owner may continue with the channel's `reader`.
 *
 * @param first The first bytes; default: none. Once they are written, nothing
 * keeps them.
 * @throws The first error of a read, a write, a session or the passage;
 * `TransportError` `ERR_NET_IDLE`; the reason of a signal.
 */
export function relay(
  client: Channel,
  target: Channel,
  passage: Passage,
  options: RelayOptions,
  first?: FirstBytes,
): Promise<void> {
  // One promise for all events keeps an idle relay small.
  const done = Promise.withResolvers<void>();
  new Relay(client, target, passage, options, done).start(first);
  return done.promise;
}

/** Both directions, and everything that may end them. */
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
  #leaveSignals: readonly (() => void)[] = [];

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

  start(first: FirstBytes | undefined): void {
    const { signals } = this.options;
    const aborted = signals.find((signal) => signal.aborted);
    if (aborted !== undefined) return this.fail(aborted.reason);
    this.#leaveSignals = signals.map((signal) =>
      onAbort(signal, () => this.fail(signal.reason))
    );
    this.#up.write(first?.up ?? NOTHING);
    this.#down.write(first?.down ?? NOTHING);
    this.#client.onReady = this.#target.onReady = () => this.goOn();
    this.goOn();
  }

  /** Moves all bytes that can be moved now. */
  goOn(): void {
    this.#up.run();
    this.#down.run();
    // A session may have waited for bytes of the other direction.
    if (this.#up.isHeld) this.#up.run();
  }

  /** Sends the reply of a flow's source session back to its peer. */
  reply(flow: Flow, bytes: Uint8Array): void {
    const back = flow === this.#up ? this.#down : this.#up;
    back.reply(bytes);
  }

  /** Reports the end of one direction. */
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

  /** Reports activity. */
  touch(): void {
    this.#timer.touch();
  }

  /**
   * Waits to keep a rate, without counting as idle. @returns A function that
   * ends the wait.
   */
  pace(waitMs: number, goOn: () => void): () => void {
    this.#timer.hold();
    return this.options.clock.schedule(() => {
      this.#timer.release();
      goOn();
      this.goOn();
    }, waitMs);
  }

  /** Ends the relay with an error. Later calls have no effect. */
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

/** Relays one direction, as far as both ends are ready. */
class Flow {
  readonly #direction: Direction;
  readonly #from: Channel;
  readonly #to: Channel;
  readonly #relay: Relay;
  /**
   * The bytes that are being written, and the rest that the sink has not taken.
   */
  #bytes: Uint8Array = NOTHING;
  #rest: Uint8Array = NOTHING;
  /** True if `#bytes` is the chunk that was read. */
  #isPlain = false;
  /** Replies of the sink's session, which are written next. */
  #replies: Uint8Array = NOTHING;
  #isEnded = false;
  #isStopped = false;
  /** Ends the wait that keeps a rate. */
  #endPace: (() => void) | undefined;
  /** An opened chunk that may not pass yet. */
  #held: Opened | undefined;

  constructor(direction: Direction, from: Channel, to: Channel, relay: Relay) {
    this.#direction = direction;
    this.#from = from;
    this.#to = to;
    this.#relay = relay;
  }

  /** True while the sink's session accepts no payload; see `isWaiting`. */
  get isHeld(): boolean {
    return this.#to.session.isWaiting === true;
  }

  /** Continues until an end is not ready. */
  run(): void {
    try {
      while (this.#step());
    } catch (error) {
      this.#relay.fail(error);
    }
  }

  /** @returns True if the next step may follow at once. */
  #step(): boolean {
    if (this.#isStopped || this.#endPace !== undefined) return false;
    if (this.#rest.length > 0) return this.#writeRest();
    if (this.#replies.length > 0) return this.#writeReplies();
    if (this.#held !== undefined) {
      this.#pass(this.#held.chunk, this.#held.payload);
      return true;
    }
    // Pending bytes must be sent before more is read, and before the end.
    if (this.#isEnded || this.isHeld) return false;
    const chunk = this.#from.reader.tryRead();
    if (chunk === undefined) return false;
    if (chunk === "end") this.#end();
    else this.#carry(chunk);
    return true;
  }

  /** Opens a chunk and passes its payload on. */
  #carry(chunk: Uint8Array): void {
    const { options: { buffers } } = this.#relay;
    const { payload, reply } = this.#from.session.open(chunk, buffers.take);
    if (reply !== undefined) this.#relay.reply(this, reply);
    this.#pass(chunk, payload);
  }

  /** Asks if payload may pass, and seals it if so. */
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

  /** Starts to write bytes; no other write may be pending. */
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
    // The buffer is freed only after a successful write: until then the system
    // reads from it.
    if (this.#isPlain) this.#from.connection.recycle?.(this.#bytes);
    else this.#relay.options.buffers.give(this.#bytes);
    this.#isPlain = false;
    this.write(NOTHING);
    return true;
  }

  /** Adds a reply, which is written between two chunks. */
  reply(bytes: Uint8Array): void {
    this.#replies = concat(this.#replies, bytes);
    this.run();
  }

  #writeReplies(): boolean {
    this.write(this.#replies);
    this.#replies = NOTHING;
    return true;
  }

  /** Passes the end of the source on to the sink. */
  #end(): void {
    this.#isEnded = true;
    this.#from.session.end();
    this.#relay.passage.ended?.(this.#direction);
    this.#to.writer.close()
      .then(() => this.#relay.ended(), (error) => this.#relay.fail(error));
  }

  /** Waits to keep a rate. */
  #pace(waitMs: number): void {
    this.#endPace = this.#relay.pace(waitMs, () => this.#endPace = undefined);
  }

  /** Stops reading and writing. */
  stop(): void {
    this.#isStopped = true;
    this.#endPace?.();
  }

  /**
   * Writes a chunk without its last byte, if the client must see it. Called
   * after `stop()`; the result never rejects.
   */
  breakOff(reason: unknown): Promise<void> | undefined {
    const { options: { clock }, passage } = this.#relay;
    // If a write is pending, the client already has an incomplete chunk.
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
