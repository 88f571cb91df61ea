/**
 * Keeps minutes in the store. If the disk fails, only the history is lost.
 *
 * @module
 */
import { messageOf, StoreError } from "../../errors.ts";
import type { Minute, MinuteStore } from "../../minutes.ts";
import type { Logger } from "../../observe.ts";

/** A store of minutes that never throws. */
export class KeptMinutes implements MinuteStore {
  readonly #store: MinuteStore;
  readonly #logger: Logger;
  #isFailing = false;

  /** @param logger Logs once when minutes cannot be kept. */
  constructor(store: MinuteStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  minutes(count: number): Minute[] {
    return this.#try(() => this.#store.minutes(count)) ?? [];
  }

  addMinute(minute: Minute, count: number): void {
    this.#try(() => this.#store.addMinute(minute, count));
  }

  #try<T>(work: () => T): T | undefined {
    try {
      const result = work();
      if (this.#isFailing) this.#logger.log("info", "minutes are kept again");
      this.#isFailing = false;
      return result;
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#isFailing) {
        this.#logger.log("warn", "cannot keep the history of minutes", {
          reason: messageOf(error),
        });
      }
      this.#isFailing = true;
      return undefined;
    }
  }
}
