/**
 * What the program did in the last day, minute by minute: so that somebody who
 * was not looking can ask what happened at three in the morning.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { DAY_HISTORY_MINUTES } from "../limits.ts";
import type { Observed } from "./observations.ts";

/** Milliseconds of one entry. */
const MINUTE_MS = 60_000;

/** One minute. */
export interface Minute {
  /** When it ended; milliseconds since 1970. */
  readonly unixMs: number;
  /** Payload from users to targets. */
  readonly bytesUp: number;
  /** Payload from targets to users. */
  readonly bytesDown: number;
  /** Connections that were open when it ended. */
  readonly open: number;
  /** Connections that failed or were refused, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
}

/** Looks at the counters once a minute, from its making to its disposal. */
export class DayHistory implements Disposable {
  readonly #clock: Clock;
  readonly #look: () => Observed;
  readonly #minutes: Minute[] = [];
  #last: Observed;
  #cancel: () => void = () => {};

  /** @param look Counters, which never go down. */
  constructor(clock: Clock, look: () => Observed) {
    this.#clock = clock;
    this.#look = look;
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
    this.#minutes.push({
      unixMs: this.#clock.unixMs(),
      bytesUp: next.traffic.bytesUp - last.traffic.bytesUp,
      bytesDown: next.traffic.bytesDown - last.traffic.bytesDown,
      open: next.connections.open,
      refusals: more(next.refusals, last.refusals),
    });
    if (this.#minutes.length > DAY_HISTORY_MINUTES) this.#minutes.shift();
  }
}

/** What was added, of what was added to at all. */
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
