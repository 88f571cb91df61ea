/**
 * The present rate of each user of a server. The cost grows with the number of
 * active users.
 *
 * @module
 */
import { NO_RATE, type Rate } from "../../admin/operator.ts";
import type { Clock } from "../../clock.ts";
import { MIN_RATE_MS } from "../../limits.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import type { Follower } from "../../service/server/movements.ts";
import type { UserCounts } from "../../users.ts";

/** Payload bytes since the counts were cleared. */
type Bytes = Pick<UserCounts, "bytesUp" | "bytesDown">;

/** The rates of the users of one server. */
export class UserRates {
  readonly #accounts: Accounts;
  readonly #clock: Clock;
  readonly #follower: Follower;
  /** The bytes of active users at the last measurement. */
  readonly #bytes = new Map<string, Bytes>();
  #rates: ReadonlyMap<string, Rate> = new Map();
  #lookedMs = -Infinity;

  /** Starts to follow the accounts. */
  constructor(accounts: Accounts, clock: Clock) {
    this.#accounts = accounts;
    this.#clock = clock;
    this.#follower = accounts.follow();
  }

  /** Measures the rates, unless the last measurement is too recent. */
  look(): void {
    const nowMs = this.#clock.monotonicMs();
    const seconds = (nowMs - this.#lookedMs) / 1_000;
    if (seconds * 1_000 < MIN_RATE_MS) return;
    this.#lookedMs = nowMs;
    const rates = new Map<string, Rate>();
    for (const name of this.#follower.take()) {
      if (this.#accounts.user(name) === undefined) continue;
      const { bytesUp, bytesDown } = this.#accounts.usage(name);
      const before = this.#bytes.get(name);
      this.#bytes.set(name, { bytesUp, bytesDown });
      if (before === undefined) continue;
      // Counts may have been cleared in between.
      rates.set(name, {
        up: Math.max(0, bytesUp - before.bytesUp) / seconds,
        down: Math.max(0, bytesDown - before.bytesDown) / seconds,
      });
    }
    this.#rates = rates;
    if (this.#bytes.size > this.#accounts.size) this.#forget();
  }

  /** Returns the rate of a user between the last two measurements. */
  of(name: string): Rate {
    return this.#rates.get(name) ?? NO_RATE;
  }

  /** Forgets users who were removed. */
  #forget(): void {
    for (const name of this.#bytes.keys()) {
      if (this.#accounts.user(name) === undefined) this.#bytes.delete(name);
    }
  }
}
