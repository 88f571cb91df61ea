/**
 * The accounts of the users of one server, and one for all of them together.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import {
  NO_COUNTS,
  NO_USAGE,
  type UserCounts,
  type UserUsage,
} from "../../users.ts";
import {
  Account,
  dismissed,
  type LimitedUser,
  type Share,
  type Visit,
} from "./account.ts";
import { type Follower, Movements } from "./movements.ts";
import { NameIndex } from "./name_index.ts";

/**
 * The accounts of one server. A user's account is opened at its first
 * connection.
 */
export class Accounts {
  readonly #clock: Clock;
  readonly #movements = new Movements();
  readonly #total: Account;
  /** All users, in their order. */
  #users = new NameIndex<LimitedUser>();
  /** The accounts of users that have connected. */
  readonly #accounts = new Map<string, Account>();
  readonly #shareOf: (name: string) => Share | undefined;

  /**
   * Makes accounts for users.
   *
   * @param clock The clock for last-seen and expiry times.
   * @param shareOf Returns the user's share of this node; default: all limits
   * apply here.
   */
  constructor(
    users: readonly LimitedUser[],
    clock: Clock,
    shareOf: (name: string) => Share | undefined = () => undefined,
  ) {
    this.#clock = clock;
    this.#shareOf = shareOf;
    this.#total = new Account({ name: "" }, clock, this.#movements);
    this.set(users);
  }

  /** The number of users. */
  get size(): number {
    return this.#users.size;
  }

  /** All users, in their order. */
  get users(): Iterable<LimitedUser> {
    return this.#users.values();
  }

  /** Returns the user with this name. */
  user(name: string): LimitedUser | undefined {
    return this.#users.get(name);
  }

  /**
   * Replaces users and limits. Users that stay keep their counts and
   * connections; those that are removed or disabled lose their connections.
   */
  set(users: readonly LimitedUser[]): void {
    this.#users = new NameIndex(users);
    for (const [name, account] of this.#accounts) {
      const user = this.#users.get(name);
      if (user !== undefined) account.set(user);
      else this.#end(name, account);
    }
  }

  /** Adds or changes one user. */
  put(user: LimitedUser): void {
    this.#users.set(user);
    this.#accounts.get(user.name)?.set(user);
  }

  /** Removes a user and ends its connections. */
  remove(name: string): void {
    this.#users.delete(name);
    const account = this.#accounts.get(name);
    if (account !== undefined) this.#end(name, account);
  }

  /** Makes a follower of changed numbers. */
  follow(): Follower {
    return this.#movements.follow();
  }

  /**
   * Opens a visit of a user.
   *
   * @param user `undefined` for a client without a name, which has no limits.
   * @param host The address of the client.
   * @param kind A TCP connection or a UDP association.
   * @returns The visit, which counts payload; dispose of it at the end.
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
    const account = this.#open(user);
    if (account === undefined) throw dismissed(user, "was removed");
    const visit = account.connect(host, kind);
    const whole = this.#total.connect(host, kind);
    return {
      ...visit.signal && { signal: visit.signal },
      settled: visit.settled,
      count: (direction, bytes) => {
        const waitMs = visit.count(direction, bytes);
        const isCounted = kind === "tcp" ? waitMs >= 0 : waitMs === 0;
        if (isCounted) whole.count(direction, bytes);
        return waitMs;
      },
      [Symbol.dispose]: () => {
        visit[Symbol.dispose]();
        whole[Symbol.dispose]();
      },
    };
  }

  /** Yields the connected users and their addresses. */
  *present(): Generator<[name: string, hosts: readonly string[]]> {
    for (const [name, account] of this.#accounts) {
      const { open, hosts } = account.usage();
      if (open > 0) yield [name, hosts];
    }
  }

  /** Returns the usage of a user. */
  usage(name: string): UserUsage {
    return this.#accounts.get(name)?.usage() ?? NO_USAGE;
  }

  /**
   * Returns the usage of all users, including clients without a name and
   * removed users.
   */
  total(): UserUsage {
    return this.#total.usage();
  }

  /**
   * Replaces counts with stored ones.
   *
   * @param name Empty for the total.
   */
  restore(name: string, counts: UserCounts): void {
    const account = name === "" ? this.#total : this.#open(name);
    account?.restore(counts);
  }

  /** Resets the counts of a user, including the used part of its quota. */
  clear(name: string): void {
    const account = name === "" ? this.#total : this.#accounts.get(name);
    account?.restore(NO_COUNTS);
  }

  /** Resets the counts of all users, and of the total. */
  clearAll(): void {
    for (const account of [this.#total, ...this.#accounts.values()]) {
      account.restore(NO_COUNTS);
    }
  }

  /** Returns the account of a user, which is opened if needed. */
  #open(name: string): Account | undefined {
    const known = this.#accounts.get(name);
    if (known !== undefined) return known;
    const user = this.#users.get(name);
    if (user === undefined) return undefined;
    const account = new Account(
      user,
      this.#clock,
      this.#movements,
      this.#shareOf(name),
    );
    this.#accounts.set(name, account);
    return account;
  }

  #end(name: string, account: Account): void {
    account.dismiss("was removed");
    this.#accounts.delete(name);
  }
}
