/**
 * How often things happened in the last minute.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** Milliseconds of one turn: how much too young the oldest may be. */
const TURN_MS = 5_000;

/** Turns of a minute. */
const TURNS = 12;

/** Counts by key; as many keys a turn as there are codes. */
export class RecentCounts<K extends string> {
  readonly #clock: Clock;
  readonly #turns = Array.from({ length: TURNS }, () => ({
    number: -1,
    counts: new Map<K, number>(),
  }));

  /** @param clock The clock that decides what is recent. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one. */
  add(key: K): void {
    const number = this.#now();
    const turn = this.#turns[number % TURNS]!;
    if (turn.number !== number) {
      turn.number = number;
      turn.counts.clear();
    }
    turn.counts.set(key, (turn.counts.get(key) ?? 0) + 1);
  }

  /** Counts of the last minute, of what happened at all. */
  get snapshot(): Record<string, number> {
    const now = this.#now();
    const sums: Record<string, number> = {};
    for (const { number, counts } of this.#turns) {
      if (number < 0 || number <= now - TURNS) continue;
      for (const [key, count] of counts) sums[key] = (sums[key] ?? 0) + count;
    }
    return sums;
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / TURN_MS);
  }
}
