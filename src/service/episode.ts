/**
 * Something that comes in crowds, and is one thing to the reader of the log.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { CALM_MS } from "../limits.ts";

/** Lasts until nothing has happened for {@link CALM_MS}. */
export class Episode {
  readonly #clock: Clock;
  #lastMs = -Infinity;

  /** @param clock Decides when it is over. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** True if it has not ended. */
  get lasts(): boolean {
    return this.#clock.monotonicMs() - this.#lastMs < CALM_MS;
  }

  /**
   * It happens, perhaps again.
   *
   * @returns True if that is news.
   */
  happens(): boolean {
    const isNew = !this.lasts;
    this.#lastMs = this.#clock.monotonicMs();
    return isNew;
  }
}
