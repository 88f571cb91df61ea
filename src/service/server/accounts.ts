/**
 * What the users of one server have moved, and how much more each may: an
 * account for each of them, and one for all.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { NO_COUNTS, type UserCounts, type UserUsage } from "../../users.ts";
import { Account, dismissed, type LimitedUser, type Visit } from "./account.ts";

/** The accounts of one server: one for each user, and one for all. */
export class Accounts {
  readonly #clock: Clock;
  readonly #total: Account;
  readonly #accounts = new Map<string, Account>();

  /**
   * Opens an account for every user.
   *
   * @param clock Tells when a user was seen, and has expired.
   */
  constructor(users: readonly LimitedUser[], clock: Clock) {
    this.#clock = clock;
    this.#total = new Account({ name: "" }, clock);
    this.set(users);
  }

  /**
   * Takes users and limits as they are from now on. Who stays keeps its counts
   * and connections; who is gone or disabled loses its connections.
   */
  set(users: readonly LimitedUser[]): void {
    const names = new Set(users.map(({ name }) => name));
    for (const [name, account] of this.#accounts) {
      if (names.has(name)) continue;
      account.dismiss("was removed");
      this.#accounts.delete(name);
    }
    for (const user of users) {
      const known = this.#accounts.get(user.name);
      if (known !== undefined) known.set(user);
      else this.#accounts.set(user.name, new Account(user, this.#clock));
    }
  }

  /**
   * A user has connected.
   *
   * @param user `undefined` for who has no name: without limits.
   * @param host Where from.
   * @param kind What it opened.
   * @returns What to count with, and to dispose of when it ends.
   * @throws {PolicyError} `ERR_POLICY_USER_DISABLED`,
   * `ERR_POLICY_USER_EXPIRED`, `ERR_POLICY_USER_QUOTA`,
   * `ERR_POLICY_USER_CONNECTIONS`, `ERR_POLICY_USER_HOSTS`.
   */
  connect(
    user: string | undefined,
    host: string,
    kind: "tcp" | "udp" = "tcp",
  ): Visit {
    if (user === undefined) return this.#total.connect(host, kind);
    const account = this.#accounts.get(user);
    if (account === undefined) throw dismissed(user, "was removed");
    const visit = account.connect(host, kind);
    const whole = this.#total.connect(host, kind);
    return {
      ...visit.signal && { signal: visit.signal },
      count: (direction, bytes) => {
        const waitMs = visit.count(direction, bytes);
        if (kind === "tcp" || waitMs === 0) whole.count(direction, bytes);
        return waitMs;
      },
      [Symbol.dispose]: () => {
        visit[Symbol.dispose]();
        whole[Symbol.dispose]();
      },
    };
  }

  /** What every user has done, by name. */
  usage(): ReadonlyMap<string, UserUsage> {
    return new Map(
      [...this.#accounts].map(([name, account]) => [name, account.usage()]),
    );
  }

  /** What all of them have done, and who has no name, and who is gone. */
  total(): UserUsage {
    return this.#total.usage();
  }

  /**
   * Takes counts of the past, or counts that others have added to.
   *
   * @param name Empty: the total.
   */
  restore(name: string, counts: UserCounts): void {
    this.#named(name)?.restore(counts);
  }

  /** Sets counts to nothing, and with them what was used of a quota. */
  clear(name: string): void {
    this.#named(name)?.restore(NO_COUNTS);
  }

  #named(name: string): Account | undefined {
    return name === "" ? this.#total : this.#accounts.get(name);
  }
}
