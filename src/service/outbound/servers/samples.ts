/**
 * What is remembered of a server's times and tries: a moving average and the
 * last outcomes. Pure; the time is an argument.
 *
 * @module
 */
import { SERVER_OUTCOMES, SERVER_TIME_HALF_LIFE_MS } from "../../../limits.ts";

/** An average in which what was measured fades with time. */
export class MovingAverage {
  /** Milliseconds; `undefined` before the first sample. */
  value: number | undefined;
  /** Samples so far. */
  count = 0;
  #lastMs = 0;

  /**
   * Adds a sample.
   *
   * @param sampleMs What was measured.
   * @param nowMs When.
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

/** The last tries of a server. */
export class Outcomes {
  readonly #failed: boolean[] = [];
  #next = 0;

  /** Adds one. */
  add(failed: boolean): void {
    this.#failed[this.#next] = failed;
    this.#next = (this.#next + 1) % SERVER_OUTCOMES;
  }

  /** Share of them that failed, 0 to 1; 0 before the first. */
  get failureRate(): number {
    const failures = this.#failed.filter((failed) => failed).length;
    return failures / Math.max(1, this.#failed.length);
  }
}
