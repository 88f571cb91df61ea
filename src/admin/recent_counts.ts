/**
 * Counts the events of the last minute.
 *
 * @module
 */
import type { Clock } from "../clock.ts";

/** Milliseconds of one turn, the error of the window. */
const TURN_MS = 5_000;

/** Turns in a minute. */
const TURNS = 12;

/**
 * Counts by key. The number of keys is limited by the number of error codes.
 */
export class RecentCounts<K extends string> {
  readonly #clock: Clock;
  readonly #turns = Array.from({ length: TURNS }, () => ({
    number: -1,
    counts: new Map<K, number>(),
  }));

  /** @param clock Decides what is recent. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Counts one event. */
  add(key: K): void {
    const number = this.#now();
    const turn = this.#turns[number % TURNS]!;
    if (turn.number !== number) {
      turn.number = number;
      turn.counts.clear();
    }
    turn.counts.set(key, (turn.counts.get(key) ?? 0) + 1);
  }

  /** Returns the counts of the last minute, without zeros. */
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
