/**
 * What is known of a user: limits, usage, and the store that keeps both.
 *
 * @module
 */
import { MAX_USER_NAME_LENGTH } from "./limits.ts";
import { hasHidden, isBlank } from "./text.ts";

/**
 * Returns what is wrong with the name of a user, in a few words after "is" or
 * "has".
 *
 * @returns `undefined` for a name that can be shown, kept, and used in a path.
 */
export function userNameFault(name: string): string | undefined {
  if (isBlank(name)) return "is blank";
  if (name === "." || name === "..") return "means something else in a path";
  if (hasHidden(name)) {
    return "has control or direction characters, or is not well-formed text";
  }
  return name.length > MAX_USER_NAME_LENGTH
    ? `is longer than ${MAX_USER_NAME_LENGTH} characters`
    : undefined;
}

/** The limits of a user; a limit that is not set does not exist. */
export interface UserLimits {
  /**
   * Payload bytes in both directions together since the counts were last
   * cleared.
   */
  readonly quotaBytes?: number;
  /**
   * Payload bytes a second over all connections, for each direction separately.
   */
  readonly bytesPerSecond?: number;
  /** TCP connections open at once, and as many UDP associations. */
  readonly maxConnections?: number;
  /** Client addresses at once. */
  readonly maxHosts?: number;
  /** The time when the access ends; milliseconds since 1970. */
  readonly expiresUnixMs?: number;
}

/** Totals of a user that survive restarts. Bytes are payload. */
export interface UserCounts {
  /** Bytes from the user to targets. */
  readonly bytesUp: number;
  /** Bytes from targets to the user. */
  readonly bytesDown: number;
  /** UDP datagrams from the user to targets. */
  readonly packetsUp: number;
  /** UDP datagrams from targets to the user. */
  readonly packetsDown: number;
  /** TCP connections that were authenticated. */
  readonly connections: number;
  /** UDP associations that were authenticated. */
  readonly associations: number;
  /** The last time that bytes moved; milliseconds since 1970, 0 for never. */
  readonly lastSeenUnixMs: number;
}

/** The counts of a user without any usage. */
export const NO_COUNTS: UserCounts = {
  bytesUp: 0,
  bytesDown: 0,
  packetsUp: 0,
  packetsDown: 0,
  connections: 0,
  associations: 0,
  lastSeenUnixMs: 0,
};

/** The usage of one user, in total and now. */
export interface UserUsage extends UserCounts {
  /** TCP connections and UDP associations that are open. */
  readonly open: number;
  /**
   * Client addresses that are connected, or were last; at most
   * `MAX_LISTED_HOSTS`.
   */
  readonly hosts: readonly string[];
  /** Set if something was refused because it exceeded the rest of the quota. */
  readonly quotaSpent?: true;
}

/** The usage of a user without any. */
export const NO_USAGE: UserUsage = { ...NO_COUNTS, open: 0, hosts: [] };

/**
 * Why a user is kept: it was `made` at run time, or a user of the configuration
 * was `changed` or `removed` at run time.
 */
export const STANDINGS = ["made", "changed", "removed"] as const;

/** A user that was made or changed at run time, as it is kept. */
export interface StoredUser {
  /** The server that the user belongs to; see {@link UserStore}. */
  readonly server: string;
  /** The name in the log and the counters; unique within its server. */
  readonly name: string;
  /**
   * Password, or base64 key of a 2022 method; if empty, the configuration's is
   * used. Never logged.
   */
  readonly password: string;
  /** The limits of the user. */
  readonly limits: UserLimits;
  /** True if the user may not connect at present. */
  readonly disabled: boolean;
  /** Default: `made`. */
  readonly standing?: "made" | "changed" | "removed";
}

/**
 * Keeps users and counts. A server is identified by its port in decimal, which
 * does not change with its address.
 *
 * Every method throws {@link StoreError} if the disk fails; nothing has changed
 * then.
 */
export interface UserStore extends Disposable {
  /** Returns every user, in the order they were made. */
  users(): StoredUser[];
  /** Adds the user, or replaces the one with this name. Durable on return. */
  put(user: StoredUser): void;
  /** Removes the user and its counts. Durable on return. */
  remove(server: string, name: string): void;
  /**
   * Returns the counts of every user that has any, including users of the
   * configuration.
   *
   * @param server If set, only those of this server.
   * @param name If set, only those of this user; if empty, of the whole server.
   */
  counts(server?: string, name?: string): KeptCounts[];
  /**
   * Adds to counts, all or none; `lastSeenUnixMs` becomes the later one.
   * Several processes may add to the same counts.
   *
   * @returns The new sums of the named users.
   */
  add(differences: readonly KeptCounts[]): KeptCounts[];
  /** Resets the counts of a user, or of a whole server. */
  clear(server: string, name?: string): void;
}

/** Counts of one user, or a difference of counts. */
export interface KeptCounts {
  /** Port of the server, in decimal. */
  readonly server: string;
  /** Name of the user; empty for the server as a whole. */
  readonly name: string;
  /** The numbers. */
  readonly counts: UserCounts;
}
