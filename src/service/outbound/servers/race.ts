/**
 * Tries ways one after the other: the next one when one fails, and once also
 * beside one that is slow.
 *
 * @module
 */
import type { Clock } from "../../../clock.ts";
import { UmbraError } from "../../../errors.ts";
import { onAbort, Stop, type StopSignal } from "../../../on_abort.ts";
import type { Channel } from "../../../streams/channel.ts";

/** One way. */
export interface Way {
  /** Milliseconds until the next way is tried as well; `Infinity` for never. */
  readonly patienceMs: number;
  /** Opens the way; the signal aborts when another was faster. */
  open(signal: StopSignal): Promise<Channel>;
  /** Reports that another way was faster. */
  lost(): void;
}

/**
 * Returns the first channel that opens.
 *
 * @param ways At least one, the best first; each is taken when it is tried.
 * @param signal Its abort cancels everything.
 * @returns A channel that the caller owns.
 * @throws The error of the last way; the reason of the signal.
 */
export async function firstToOpen(
  ways: Iterator<Way>,
  clock: Clock,
  signal: StopSignal,
): Promise<Channel> {
  const race = new Race(ways, clock, signal);
  try {
    return await race.run();
  } finally {
    race.end();
  }
}

class Race {
  readonly #ways: Iterator<Way>;
  readonly #clock: Clock;
  readonly #signal: StopSignal;
  readonly #losers = new Stop();
  readonly #running = new Set<Way>();
  readonly #result = Promise.withResolvers<Channel>();
  #settled = false;
  #raced = false;
  #cancelTimer = (): void => {};
  #leaveSignal = (): void => {};

  constructor(ways: Iterator<Way>, clock: Clock, signal: StopSignal) {
    this.#ways = ways;
    this.#clock = clock;
    this.#signal = signal;
  }

  run(): Promise<Channel> {
    if (this.#signal.aborted) this.#giveUp();
    else {
      this.#leaveSignal = onAbort(this.#signal, () => this.#giveUp());
      this.#startNext();
    }
    return this.#result.promise;
  }

  end(): void {
    this.#cancelTimer();
    this.#leaveSignal();
    this.#losers.abort(this.#signal.reason);
  }

  /** @returns False if there is no way left. */
  #startNext(): boolean {
    const next = this.#ways.next();
    if (next.done) return false;
    const way = next.value;
    this.#running.add(way);
    way.open(this.#losers).then(
      (channel) => this.#opened(way, channel),
      (error) => this.#failed(way, error),
    );
    this.#cancelTimer();
    if (!this.#raced) {
      this.#cancelTimer = this.#clock.schedule(() => {
        this.#raced = this.#startNext();
      }, way.patienceMs);
    }
    return true;
  }

  #opened(way: Way, channel: Channel): void {
    this.#running.delete(way);
    if (this.#settled) return channel.close();
    for (const slower of this.#running) slower.lost();
    this.#settle(() => this.#result.resolve(channel));
  }

  #failed(way: Way, error: unknown): void {
    this.#running.delete(way);
    if (this.#settled) return;
    if (!(error instanceof UmbraError)) {
      this.#settle(() => this.#result.reject(error));
    } else if (!this.#startNext() && this.#running.size === 0) {
      this.#settle(() => this.#result.reject(error));
    }
  }

  #giveUp(): void {
    this.#settle(() => this.#result.reject(this.#signal.reason));
  }

  #settle(tell: () => void): void {
    if (this.#settled) return;
    this.#settled = true;
    tell();
  }
}
