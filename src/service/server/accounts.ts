/**
 * What the users of one server have moved, and how much more each may: an
 * account for each who was ever here, and one for all.
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
 * The accounts of one server: one for each user who was ever here, and one for
 * all.
 */
export class Accounts {
  readonly #clock: Clock;
  readonly #movements = new Movements();
  readonly #total: Account;
  /** Everybody, in their order. */
  #users = new NameIndex<LimitedUser>();
  /** Of those who have done something. */
  readonly #accounts = new Map<string, Account>();
  readonly #shareOf: (name: string) => Share | undefined;

  /**
   * Lets users in.
   *
   * @param clock Tells when a user was seen, and has expired.
   * @param shareOf What of a user's limits is this server's; default: all.
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

  /** How many users there are. */
  get size(): number {
    return this.#users.size;
  }

  /** Everybody, in their order. */
  get users(): Iterable<LimitedUser> {
    return this.#users.values();
  }

  /** The user of this name. */
  user(name: string): LimitedUser | undefined {
    return this.#users.get(name);
  }

  /**
   * Takes users and limits as they are from now on. Who stays keeps its counts
   * and connections; who is gone or disabled loses its connections.
   */
  set(users: readonly LimitedUser[]): void {
    this.#users = new NameIndex(users);
    for (const [name, account] of this.#accounts) {
      const user = this.#users.get(name);
      if (user !== undefined) account.set(user);
      else this.#end(name, account);
    }
  }

  /** The same of one user, who may be new. */
  put(user: LimitedUser): void {
    this.#users.set(user);
    this.#accounts.get(user.name)?.set(user);
  }

  /** A user is gone; its connections end. */
  remove(name: string): void {
    this.#users.delete(name);
    const account = this.#accounts.get(name);
    if (account !== undefined) this.#end(name, account);
  }

  /** Starts to follow whose numbers change. */
  follow(): Follower {
    return this.#movements.follow();
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

  /** Who is connected, and the client addresses. */
  *present(): Generator<[name: string, hosts: readonly string[]]> {
    for (const [name, account] of this.#accounts) {
      const { open, hosts } = account.usage();
      if (open > 0) yield [name, hosts];
    }
  }

  /** What a user has done. */
  usage(name: string): UserUsage {
    return this.#accounts.get(name)?.usage() ?? NO_USAGE;
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
    const account = name === "" ? this.#total : this.#open(name);
    account?.restore(counts);
  }

  /** Sets counts to nothing, and with them what was used of a quota. */
  clear(name: string): void {
    const account = name === "" ? this.#total : this.#accounts.get(name);
    account?.restore(NO_COUNTS);
  }

  /** Sets the counts of all of them, and of the whole, to nothing. */
  clearAll(): void {
    for (const account of [this.#total, ...this.#accounts.values()]) {
      account.restore(NO_COUNTS);
    }
  }

  /** The account of a user, opened when it is needed first. */
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
