/**
 * An event that often repeats, and is logged once.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CALM_MS } from "../limits.ts";

/** Lasts until the event has not happened for {@link CALM_MS}. */
export class Episode {
  readonly #clock: Clock;
  #lastMs = -Infinity;

  /** @param clock Measures the time since the last event. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if the event happened recently. */
  get lasts(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs < CALM_MS;
  }

  /**
   * Reports the event.
   *
   * @returns True if it should be logged.
   */
  happens(): boolean {
    const isNew = !this.lasts;
    this.#lastMs = this.#clock.monotonicMs();
    return isNew;
  }
}
