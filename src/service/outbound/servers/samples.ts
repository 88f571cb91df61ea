/**
 * Statistics of a server: moving averages and last results. Pure; the time is
 * an argument.
 *
 * @module
 */
import { SERVER_OUTCOMES, SERVER_TIME_HALF_LIFE_MS } from "../../../limits.ts";

/** An average in which old samples lose weight with time. */
export class MovingAverage {
  /** The average in milliseconds; `undefined` before the first sample. */
  value: number | undefined;
  /** The number of samples so far. */
  count = 0;
  #lastMs = 0;

  /**
   * Adds a sample.
   *
   * @param sampleMs The measured duration.
   * @param nowMs The time of the measurement.
   */
  add(sampleMs: number, nowMs: number): void {
    const kept = 2 ** (-(nowMs - this.#lastMs) / SERVER_TIME_HALF_LIFE_MS);
    this.value = this.value === undefined
      ? sampleMs
      : sampleMs + (this.value - sampleMs) * kept;
    this.#lastMs = nowMs;
    this.count++;
  }
}

/** The results of the last tries of a server. */
export class Outcomes {
  readonly #failed: boolean[] = [];
  #next = 0;

  /** Adds a result. */
  add(failed: boolean): void {
    this.#failed[this.#next] = failed;
    this.#next = (this.#next + 1) % SERVER_OUTCOMES;
  }

  /** Share of the results that are failures, 0 to 1; 0 without results. */
  get failureRate(): number {
    const failures = this.#failed.filter((failed) => failed).length;
    return failures / Math.max(1, this.#failed.length);
  }
}
