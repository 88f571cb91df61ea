/**
 * Keeps the counts of users in the store: new counts are added every few
 * seconds, and a last time at the end.
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import type { Follower } from "../../service/server/movements.ts";
import {
  type KeptCounts,
  NO_COUNTS,
  type UserCounts,
  type UserStore,
} from "../../users.ts";

/**
 * Milliseconds between two writes of the counts; `kill -9` may lose these
 * counts.
 */
export const FLUSH_MS = 5_000;

/** The counts of every server, in memory and in the store. */
export class Ledger {
  readonly #store: UserStore;
  readonly #logger: Logger;
  readonly #servers = new Map<string, ServerLedger>();
  #failing = false;

  /** @param logger Logs once when the store cannot be written. */
  constructor(store: UserStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Gives new users of a server their counts from the store. */
  attach(server: string, accounts: Accounts): void {
    const ledger = this.#servers.get(server) ?? new ServerLedger(accounts);
    this.#servers.set(server, ledger);
    for (const row of this.#store.counts(server)) ledger.take(row);
  }

  /** Gives one new user its counts from the store. */
  attachUser(server: string, name: string): void {
    const [row] = this.#store.counts(server, name);
    if (row !== undefined) this.#servers.get(server)?.take(row);
  }

  /** Adds the counts since the last call to the store. */
  flush(): void {
    const differences: KeptCounts[] = [];
    for (const [server, ledger] of this.#servers) {
      for (const [name, counts] of ledger.differences()) {
        differences.push({ server, name, counts });
      }
    }
    if (differences.length === 0) return;
    try {
      // Another process may have added counts; these are the sums of both.
      for (const sum of this.#store.add(differences)) {
        this.#servers.get(sum.server)?.settle(sum);
      }
      if (this.#failing) this.#logger.log("info", "counts can be kept again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#logger.log("error", "cannot keep counts; will retry", {
          reason: messageOf(error),
        });
      }
      this.#failing = true;
    }
  }

  /**
   * Sets counts to zero.
   *
   * @param name The user; default: all of the server.
   */
  clear(server: string, name?: string): void {
    this.flush();
    this.#store.clear(server, name);
    this.#servers.get(server)?.clear(name);
  }

  /** Forgets a user that was removed. */
  forget(server: string, name: string): void {
    this.#servers.get(server)?.clear(name);
  }
}

/**
 * The counts of one server. The cost of a write grows with the number of active
 * users.
 */
class ServerLedger {
  readonly #accounts: Accounts;
  readonly #follower: Follower;
  /** Counts in the store, by user; a user without counts is absent. */
  readonly #kept = new Map<string, UserCounts>();
  /** Users with counts that are not yet in the store. */
  readonly #pending = new Set<string>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
    this.#follower = accounts.follow();
  }

  /** Adds the counts of the store to a user who is new in memory. */
  take({ name, counts }: KeptCounts): void {
    if (this.#kept.has(name) || !this.#isThere(name)) return;
    this.#accounts.restore(name, plus(this.#usage(name), counts));
    this.#kept.set(name, counts);
  }

  /** Returns the counts that are not yet in the store. */
  *differences(): Generator<[name: string, counts: UserCounts]> {
    for (const name of this.#follower.take()) this.#pending.add(name);
    for (const name of this.#pending) {
      const counts = this.#isThere(name)
        ? minus(this.#usage(name), this.#kept.get(name) ?? NO_COUNTS)
        : undefined;
      if (counts === undefined) this.#pending.delete(name);
      else yield [name, counts];
    }
  }

  /** Records the sum that the store has now. */
  settle({ name, counts }: KeptCounts): void {
    this.#accounts.restore(name, counts);
    this.#kept.set(name, counts);
    this.#pending.delete(name);
  }

  /** @param name The user; default: all users. */
  clear(name: string | undefined): void {
    if (name === undefined) this.#kept.clear();
    else this.#kept.delete(name);
  }

  #isThere(name: string): boolean {
    return name === "" || this.#accounts.user(name) !== undefined;
  }

  #usage(name: string): UserCounts {
    return name === "" ? this.#accounts.total() : this.#accounts.usage(name);
  }
}

function plus(one: UserCounts, other: UserCounts): UserCounts {
  return {
    bytesUp: one.bytesUp + other.bytesUp,
    bytesDown: one.bytesDown + other.bytesDown,
    packetsUp: one.packetsUp + other.packetsUp,
    packetsDown: one.packetsDown + other.packetsDown,
    connections: one.connections + other.connections,
    associations: one.associations + other.associations,
    lastSeenUnixMs: Math.max(one.lastSeenUnixMs, other.lastSeenUnixMs),
  };
}

/** Returns the difference of two counts; `undefined` if nothing was added. */
function minus(usage: UserCounts, kept: UserCounts): UserCounts | undefined {
  const counts = {
    bytesUp: usage.bytesUp - kept.bytesUp,
    bytesDown: usage.bytesDown - kept.bytesDown,
    packetsUp: usage.packetsUp - kept.packetsUp,
    packetsDown: usage.packetsDown - kept.packetsDown,
    connections: usage.connections - kept.connections,
    associations: usage.associations - kept.associations,
  };
  if (Object.values(counts).every((one) => one === 0)) return undefined;
  return { ...counts, lastSeenUnixMs: usage.lastSeenUnixMs };
}
