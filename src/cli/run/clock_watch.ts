/**
 * Tells the operator that the machine's clock was set while the program runs.
 *
 * @module
 */
import { type Clock, unixMsAt } from "../../clock.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import type { Logger } from "../../observe.ts";

/** Milliseconds between two looks. */
export const CLOCK_LOOK_MS = 5_000;

/** Milliseconds that are a step; slewing moves a clock by 3 between two looks. */
const STEP_MS = 1_000;

/** Watches a wall clock from its making to its disposal. */
export class ClockWatch implements Disposable {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #startMs: number;
  /** The wall clock at the start, as seen at the last look. */
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
   * When the watch began, by the wall clock as it is set now; milliseconds since
   * 1970. It stays the same until the clock is set.
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
        reason: `methods of 2022 need clocks that agree within ` +
          `${MAX_TIMESTAMP_SKEW_S} s`,
      },
    );
  }
}
