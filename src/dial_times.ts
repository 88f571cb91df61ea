/**
 * Durations of dials: a histogram since the start, and one of the last minute.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/**
 * Upper bounds of the buckets in milliseconds. The last bucket is unbounded.
 */
export const DIAL_BOUNDS_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1_000, 2_000, 5_000, 10_000],
];

/** Numbers of dials by their duration. */
export interface DialCounts {
  /**
   * One count for each bound: dials that took longer than the bound before and
   * no longer than this one. The last count is of longer dials.
   */
  readonly counts: readonly number[];
  /** The sum of all durations in milliseconds. */
  readonly sumMs: number;
}

/** The durations of dials in milliseconds. */
export interface DialPercentiles {
  /** The number of dials. */
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

/** Milliseconds of one interval of the last minute. */
const TURN_MS = 5_000;

/** Intervals in a minute. */
const TURNS = 12;

/** Counts dials by duration since the start. */
export class DialTimes {
  readonly #counts = emptyBuckets();
  #sumMs = 0;

  /** Adds one dial. */
  add(durationMs: number): void {
    this.#counts[bucketOf(durationMs)]!++;
    this.#sumMs += durationMs;
  }

  /** The counts since the start. */
  get snapshot(): DialCounts {
    return { counts: [...this.#counts], sumMs: this.#sumMs };
  }
}

/** Counts dials by duration in the last minute. */
export class RecentDials {
  readonly #clock: Clock;
  readonly #turns = Array.from({ length: TURNS }, () => ({
    number: -1,
    counts: emptyBuckets(),
  }));

  /** @param clock Measures the last minute. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Adds one dial. */
  add(durationMs: number): void {
    const number = this.#now();
    const turn = this.#turns[number % TURNS]!;
    if (turn.number !== number) {
      turn.number = number;
      turn.counts.fill(0);
    }
    turn.counts[bucketOf(durationMs)]!++;
  }

  /** The counts of the last minute, by bucket. */
  get snapshot(): number[] {
    const now = this.#now();
    return this.#turns
      .filter(({ number }) => number >= 0 && number > now - TURNS)
      .reduce((sum, { counts }) => addBuckets(sum, counts), emptyBuckets());
  }

  #now(): number {
    return Math.floor(this.#clock.monotonicMs() / TURN_MS);
  }
}

/** Adds the counts of two histograms. */
export function addBuckets(
  a: readonly number[],
  b: readonly number[],
): number[] {
  return a.map((count, i) => count + b[i]!);
}

/** Returns a histogram without dials. */
export function emptyBuckets(): number[] {
  return new Array<number>(DIAL_BOUNDS_MS.length + 1).fill(0);
}

/**
 * Estimates percentiles by interpolating within a bucket, as Prometheus does.
 */
export function percentiles(counts: readonly number[]): DialPercentiles {
  return {
    count: counts.reduce((sum, count) => sum + count, 0),
    p50: quantile(counts, 0.5),
    p90: quantile(counts, 0.9),
    p99: quantile(counts, 0.99),
  };
}

/** @returns 0 without dials; the highest bound for a longer duration. */
function quantile(counts: readonly number[], share: number): number {
  const rank = share * counts.reduce((sum, count) => sum + count, 0);
  let below = 0;
  for (const [i, count] of counts.entries()) {
    const from = DIAL_BOUNDS_MS[i - 1] ?? 0;
    const to = DIAL_BOUNDS_MS[i] ?? from;
    if (count > 0 && below + count >= rank) {
      return from + (to - from) * (rank - below) / count;
    }
    below += count;
  }
  return 0;
}

function bucketOf(durationMs: number): number {
  const index = DIAL_BOUNDS_MS.findIndex((bound) => durationMs <= bound);
  return index < 0 ? DIAL_BOUNDS_MS.length : index;
}
