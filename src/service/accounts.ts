/**
 * What each user of a server has moved, and how much more is allowed.
 *
 * Counting and refusing are plain arithmetic in the path of a chunk: nobody
 * waits for anybody, so one user's limit never slows another one.
 *
 * Does not: keep its numbers over a restart, or limit rates.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { PolicyError } from "../errors.ts";
import type { UserLimits } from "../users.ts";

/** What one user has done since the start. */
export interface UserUsage {
  /** Payload bytes from the user to targets. */
  readonly bytesUp: number;
  /** Payload bytes from targets to the user. */
  readonly bytesDown: number;
  /** Connections that were authenticated. */
  readonly connections: number;
  /** Those that are open now. */
  readonly open: number;
  /** When bytes moved last; milliseconds since 1970. */
  readonly lastSeenUnixMs: number;
  /** Where the user connected from last. */
  readonly lastHost: string;
}

/** One user's limits, by name. */
export interface LimitedUser {
  /** As in the log. */
  readonly name: string;
  /** Not set: none. */
  readonly limits?: UserLimits;
}

/** The accounts of one server's users. */
export class Accounts {
  readonly #clock: Clock;
  readonly #accounts = new Map<string, Account>();

  /**
   * Opens an account for every user.
   *
   * @param clock Tells when a user was seen, and has expired.
   */
  constructor(users: readonly LimitedUser[], clock: Clock) {
    this.#clock = clock;
    for (const { name, limits = {} } of users) {
      this.#accounts.set(name, new Account(name, limits, clock));
    }
  }

  /**
   * A user has connected.
   *
   * @param user `undefined` for who has no name: counted nowhere.
   * @param host Where from.
   * @returns What to count with, and to dispose of when the connection ends.
   * @throws {PolicyError} `ERR_POLICY_USER_EXPIRED`, `ERR_POLICY_USER_QUOTA`,
   * `ERR_POLICY_USER_CONNECTIONS`.
   */
  connect(user: string | undefined, host: () => string): Visit | undefined {
    const account = user === undefined ? undefined : this.#accounts.get(user);
    return account?.connect(host());
  }

  /** What every user has done, by name. */
  usage(): ReadonlyMap<string, UserUsage> {
    return new Map(
      [...this.#accounts].map(([name, account]) => [name, account.usage()]),
    );
  }
}

/** One connection of a user. */
export interface Visit extends Disposable {
  /**
   * Counts bytes about to be passed on.
   *
   * @throws {PolicyError} When they must not be: `ERR_POLICY_USER_QUOTA`,
   * `ERR_POLICY_USER_EXPIRED`.
   */
  count(direction: "up" | "down", bytes: number): void;
}

class Account {
  readonly #name: string;
  readonly #limits: UserLimits;
  readonly #clock: Clock;
  #bytesUp = 0;
  #bytesDown = 0;
  #connections = 0;
  #open = 0;
  #lastSeenUnixMs = 0;
  #lastHost = "";

  constructor(name: string, limits: UserLimits, clock: Clock) {
    this.#name = name;
    this.#limits = limits;
    this.#clock = clock;
  }

  connect(host: string): Visit {
    this.#allow(0);
    const { maxConnections = Infinity } = this.#limits;
    if (this.#open >= maxConnections) {
      throw new PolicyError(
        "ERR_POLICY_USER_CONNECTIONS",
        `User ${this.#name} has ${this.#open} connections open, which is the limit`,
      );
    }
    this.#open++;
    this.#connections++;
    this.#lastSeenUnixMs = this.#clock.unixMs();
    this.#lastHost = host;
    let left = false;
    return {
      count: (direction, bytes) => this.#count(direction, bytes),
      [Symbol.dispose]: () => {
        if (!left) this.#open--;
        left = true;
      },
    };
  }

  usage(): UserUsage {
    return {
      bytesUp: this.#bytesUp,
      bytesDown: this.#bytesDown,
      connections: this.#connections,
      open: this.#open,
      lastSeenUnixMs: this.#lastSeenUnixMs,
      lastHost: this.#lastHost,
    };
  }

  #count(direction: "up" | "down", bytes: number): void {
    if (bytes === 0) return;
    this.#allow(bytes);
    if (direction === "up") this.#bytesUp += bytes;
    else this.#bytesDown += bytes;
    this.#lastSeenUnixMs = this.#clock.unixMs();
  }

  /** Whether so many more bytes may pass now. */
  #allow(bytes: number): void {
    const { quotaBytes = Infinity, expiresUnixMs = Infinity } = this.#limits;
    const used = this.#bytesUp + this.#bytesDown;
    if (used + bytes > quotaBytes || used === quotaBytes) {
      throw new PolicyError(
        "ERR_POLICY_USER_QUOTA",
        `User ${this.#name} has used ${used} of ${quotaBytes} bytes`,
      );
    }
    if (this.#clock.unixMs() >= expiresUnixMs) {
      throw new PolicyError(
        "ERR_POLICY_USER_EXPIRED",
        `User ${this.#name} has expired`,
      );
    }
  }
}
