/**
 * Keeps the counts of users in the store: what was counted since the last time
 * is added every few seconds, and once more at the end.
 *
 * @module
 */
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import {
  type KeptCounts,
  NO_COUNTS,
  type UserCounts,
  type UserStore,
} from "../../users.ts";

/** How often counts are written; what a kill -9 may lose. Milliseconds. */
export const FLUSH_MS = 5_000;

/** The counts of every server, in memory and in the store. */
export class Ledger {
  readonly #store: UserStore;
  readonly #logger: Logger;
  readonly #servers = new Map<string, Accounts>();
  /** What the store is known to have, by server and user. */
  readonly #kept = new Map<string, UserCounts>();
  #failing = false;

  /** @param logger Told once when the store cannot be written. */
  constructor(store: UserStore, logger: Logger) {
    this.#store = store;
    this.#logger = logger;
  }

  /** Gives users that are new here what the store has of them. */
  attach(server: string, accounts: Accounts): void {
    this.#servers.set(server, accounts);
    const names = ["", ...accounts.usage().keys()]
      .filter((name) => !this.#kept.has(keyOf(server, name)));
    if (names.length === 0) return;
    const found = new Map(
      this.#store.counts().filter((one) => one.server === server)
        .map(({ name, counts }) => [name, counts]),
    );
    for (const name of names) {
      const counts = found.get(name) ?? NO_COUNTS;
      accounts.restore(name, counts);
      this.#kept.set(keyOf(server, name), counts);
    }
  }

  /** Adds to the store what was counted since the last time. */
  flush(): void {
    const differences: KeptCounts[] = [];
    for (const [server, accounts] of this.#servers) {
      const all = new Map([["", accounts.total()], ...accounts.usage()]);
      for (const [name, usage] of all) {
        const kept = this.#kept.get(keyOf(server, name)) ?? NO_COUNTS;
        const counts = minus(usage, kept);
        if (counts !== undefined) differences.push({ server, name, counts });
      }
    }
    if (differences.length === 0) return;
    try {
      // Another process may have added to them: these are the true sums.
      for (const { server, name, counts } of this.#store.add(differences)) {
        this.#servers.get(server)?.restore(name, counts);
        this.#kept.set(keyOf(server, name), counts);
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
    for (const key of this.#kept.keys()) {
      const isOne = name === undefined
        ? key.startsWith(keyOf(server, ""))
        : key === keyOf(server, name);
      if (isOne) this.#kept.set(key, NO_COUNTS);
    }
  }

  /** A user is gone for good. */
  forget(server: string, name: string): void {
    this.#kept.delete(keyOf(server, name));
  }
}

/** Ports have no space in them. */
function keyOf(server: string, name: string): string {
  return `${server} ${name}`;
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
