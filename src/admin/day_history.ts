/**
 * What the program did in the last day, minute by minute: so that somebody who
 * was not looking can ask what happened at three in the morning.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { DAY_HISTORY_MINUTES } from "../limits.ts";
import type { Minute, MinuteStore } from "../minutes.ts";
import type { Observed } from "./observations.ts";

/** Milliseconds of one entry. */
const MINUTE_MS = 60_000;

/** Looks at the counters once a minute, from its making to its disposal. */
export class DayHistory implements Disposable {
  readonly #clock: Clock;
  readonly #look: () => Observed;
  readonly #minutes: Minute[];
  readonly #store: MinuteStore | undefined;
  #last: Observed;
  #cancel: () => void = () => {};

  /**
   * Begins with what is kept.
   *
   * @param look Counters, which never go down.
   * @param store Throws nothing; default: a restart forgets the day.
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

  /** Oldest first; the present minute is not among them. */
  get minutes(): readonly Minute[] {
    return this.#minutes;
  }

  /** Ends it. Idempotent. */
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

/** A time of which nothing is known: nothing ran. */
export interface NoMinute {
  readonly unixMs: number;
  readonly bytesUp: null;
  readonly bytesDown: null;
}

/** Minutes with a hole wherever nothing ran, so that a plot has it too. */
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

/** The difference of two counts, without zeros. */
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
