/**
 * The history of the last day, minute by minute, so that the operator can look
 * later at what happened.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { DAY_HISTORY_MINUTES } from "../limits.ts";
import type { Minute, MinuteStore } from "../minutes.ts";
import type { Observed } from "./observations.ts";

/** Milliseconds of one entry. */
const MINUTE_MS = 60_000;

/** Records the counters once a minute, from construction to disposal. */
export class DayHistory implements Disposable {
  readonly #clock: Clock;
  readonly #look: () => Observed;
  readonly #minutes: Minute[];
  readonly #store: MinuteStore | undefined;
  #last: Observed;
  #cancel: () => void = () => {};

  /**
   * Starts with the stored minutes.
   *
   * @param look Returns counters, which never decrease.
   * @param store Never throws; not set if a restart forgets the day.
   */
  constructor(clock: Clock, look: () => Observed, store?: MinuteStore) {
    this.#clock = clock;
    this.#look = look;
    this.#store = store;
    const dayAgo = clock.unixMs() - DAY_HISTORY_MINUTES * MINUTE_MS;
    this.#minutes = (store?.minutes(DAY_HISTORY_MINUTES) ?? [])
      .filter(({ unixMs }) => unixMs >= dayAgo);
    this.#last = look();
    this.#schedule();
  }

  /** The minutes, oldest first, without the present one. */
  get minutes(): readonly Minute[] {
    return this.#minutes;
  }

  /** Ends the recording. Idempotent. */
  [Symbol.dispose](): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#clock.schedule(() => {
      this.#add();
      this.#schedule();
    }, MINUTE_MS);
  }

  #add(): void {
    const last = this.#last;
    const next = this.#last = this.#look();
    const minute = {
      unixMs: this.#clock.unixMs(),
      bytesUp: next.traffic.bytesUp - last.traffic.bytesUp,
      bytesDown: next.traffic.bytesDown - last.traffic.bytesDown,
      open: next.connections.open,
      refusals: more(next.refusals, last.refusals),
    };
    this.#minutes.push(minute);
    this.#store?.addMinute(minute, DAY_HISTORY_MINUTES);
    if (this.#minutes.length > DAY_HISTORY_MINUTES) this.#minutes.shift();
  }
}

/** A time span in which the program did not run. */
export interface NoMinute {
  readonly unixMs: number;
  readonly bytesUp: null;
  readonly bytesDown: null;
}

/** Inserts gaps where the program did not run, so that a plot shows them. */
export function withHoles(
  minutes: readonly Minute[],
): (Minute | NoMinute)[] {
  return minutes.flatMap((minute, i) => {
    const before = minutes[i - 1];
    const isNext = before === undefined ||
      minute.unixMs - before.unixMs < 2 * MINUTE_MS;
    return isNext ? [minute] : [
      { unixMs: before.unixMs + 1, bytesUp: null, bytesDown: null },
      minute,
    ];
  });
}

/** Returns the difference of two counts, without zeros. */
function more(
  next: Readonly<Record<string, number>>,
  last: Readonly<Record<string, number>>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(next)
      .map(([code, count]) => [code, count - (last[code] ?? 0)] as const)
      .filter(([, count]) => count > 0),
  );
}
