/**
 * Keeps the counts of users in the store: what was counted since the last time
 * is added every few seconds, and once more at the end.
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

/** Milliseconds between two writes of the counts; a kill -9 may lose them. */
export const FLUSH_MS = 5_000;

/** The counts of every server, in memory and in the store. */
export class Ledger {
  readonly #store: UserStore;
  readonly #logger: Logger;
  readonly #servers = new Map<string, ServerLedger>();
  #failing = false;

  /** @param logger Told once when the store cannot be written. */
  constructor(store: UserStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Gives users that are new here what the store has of them. */
  attach(server: string, accounts: Accounts): void {
    const ledger = this.#servers.get(server) ?? new ServerLedger(accounts);
    this.#servers.set(server, ledger);
    for (const row of this.#store.counts(server)) ledger.take(row);
  }

  /** Gives one user that is new here what the store has of it. */
  attachUser(server: string, name: string): void {
    const [row] = this.#store.counts(server, name);
    if (row !== undefined) this.#servers.get(server)?.take(row);
  }

  /** Adds to the store what was counted since the last time. */
  flush(): void {
    const differences: KeptCounts[] = [];
    for (const [server, ledger] of this.#servers) {
      for (const [name, counts] of ledger.differences()) {
        differences.push({ server, name, counts });
      }
    }
    if (differences.length === 0) return;
    try {
      // Another process may have added to them: these are the true sums.
      for (const sum of this.#store.add(differences)) {
        this.#servers.get(sum.server)?.settle(sum);
      }
      if (this.#failing) this.#logger.log("info", "counts are kept again");
      this.#failing = false;
    } catch (error) {
      if (!this.#failing) {
        this.#logger.log("error", "cannot keep counts, will keep trying", {
          reason: messageOf(error),
        });
      }
      this.#failing = true;
    }
  }

  /** Sets counts to nothing; `name` not set: those of the whole server. */
  clear(server: string, name?: string): void {
    this.flush();
    this.#store.clear(server, name);
    this.#servers.get(server)?.clear(name);
  }

  /** A user is gone for good. */
  forget(server: string, name: string): void {
    this.#servers.get(server)?.clear(name);
  }
}

/** The counts of one server; its cost grows with those who moved. */
class ServerLedger {
  readonly #accounts: Accounts;
  readonly #follower: Follower;
  /** Counts that the store has, by user; other users are absent. */
  readonly #kept = new Map<string, UserCounts>();
  /** Users whose counts the store does not have yet. */
  readonly #pending = new Set<string>();

  constructor(accounts: Accounts) {
    this.#accounts = accounts;
    this.#follower = accounts.follow();
  }

  /** Adds what the store has of a user who is new here. */
  take({ name, counts }: KeptCounts): void {
    if (this.#kept.has(name) || !this.#isThere(name)) return;
    this.#accounts.restore(name, plus(this.#usage(name), counts));
    this.#kept.set(name, counts);
  }

  /** Counts that the store does not have yet. */
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

  /** The store has this sum now. */
  settle({ name, counts }: KeptCounts): void {
    this.#accounts.restore(name, counts);
    this.#kept.set(name, counts);
    this.#pending.delete(name);
  }

  /** @param name Not set: of everybody. */
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

/** `undefined` when nothing was added. */
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
