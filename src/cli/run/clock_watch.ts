/**
 * Warns the operator when the machine's clock is set while the program runs.
 *
 * @module
 */
import { type Clock, unixMsAt } from "../../clock.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import type { Logger } from "../../observe.ts";

/** Milliseconds between two checks. */
export const CLOCK_LOOK_MS = 5_000;

/**
 * Smallest difference that counts as a step, in milliseconds. Slewing moves a
 * clock by 3 ms between two checks.
 */
const STEP_MS = 1_000;

/** Watches a wall clock from construction to disposal. */
export class ClockWatch implements Disposable {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #startMs: number;
  /**
   * The start time by the wall clock, in milliseconds since 1970, as of the
   * last check.
   */
  #startedUnixMs: number;
  #cancel: () => void = () => {};

  /** @param logger Gets a line for each step. */
  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#startMs = clock.monotonicMs();
    this.#startedUnixMs = clock.unixMs();
    this.#schedule();
  }

  /**
   * The start of the watch by the present wall clock, in milliseconds since
   * 1970. The value changes only when the clock is set.
   */
  get startedUnixMs(): number {
    this.#look();
    return this.#startedUnixMs;
  }

  /** Ends the watch. Idempotent. */
  [Symbol.dispose](): void {
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#clock.schedule(() => {
      this.#look();
      this.#schedule();
    }, CLOCK_LOOK_MS);
  }

  #look(): void {
    const startedUnixMs = Math.round(unixMsAt(this.#clock, this.#startMs));
    const stepMs = startedUnixMs - this.#startedUnixMs;
    if (Math.abs(stepMs) < STEP_MS) return;
    this.#startedUnixMs = startedUnixMs;
    const seconds = Math.round(Math.abs(stepMs) / 1_000);
    this.#logger.log(
      "warn",
      `the clock of this machine was set ${stepMs < 0 ? "back" : "forward"}`,
      {
        seconds,
        reason: `2022 methods need clocks that agree within ` +
          `${MAX_TIMESTAMP_SKEW_S} s`,
      },
    );
  }
}
