/**
 * What is known of a user: what is allowed, what was used, and where both are
 * kept.
 *
 * @module
 */
import { MAX_USER_NAME_LENGTH } from "./limits.ts";
import { hasHidden, isBlank } from "./text.ts";

/**
 * What is wrong with the name of a user, in a few words after "is" or "has".
 *
 * @returns `undefined` for a name that can be shown, kept, and be part of a
 * path.
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
  /** Payload bytes, both directions together, since they were last cleared. */
  readonly quotaBytes?: number;
  /** Payload bytes a second, each direction by itself, over all connections. */
  readonly bytesPerSecond?: number;
  /** TCP connections open at once, and as many UDP associations. */
  readonly maxConnections?: number;
  /** Client addresses at once: how many devices or places may be connected. */
  readonly maxHosts?: number;
  /** Milliseconds since 1970 when the access ends. */
  readonly expiresUnixMs?: number;
}

/** The counts that add up and survive restarts. Bytes are payload. */
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
  /** Milliseconds since 1970 when bytes moved last, 0 for never. */
  readonly lastSeenUnixMs: number;
}

/** Counts of who has done nothing. */
export const NO_COUNTS: UserCounts = {
  bytesUp: 0,
  bytesDown: 0,
  packetsUp: 0,
  packetsDown: 0,
  connections: 0,
  associations: 0,
  lastSeenUnixMs: 0,
};

/** The usage of one user, in all and now. */
export interface UserUsage extends UserCounts {
  /** TCP connections and UDP associations that are open. */
  readonly open: number;
  /** Client addresses that are connected, or were last; bounded. */
  readonly hosts: readonly string[];
  /** Set: something was refused, because it exceeded the rest of the quota. */
  readonly quotaSpent?: true;
}

/** Usage of who has done nothing. */
export const NO_USAGE: UserUsage = { ...NO_COUNTS, open: 0, hosts: [] };

/** A user that was made at run time, as it is kept. */
/**
 * Why a user is kept: it was `made` at run time, or a user of the configuration
 * was `changed` or `removed` at run time.
 */
export const STANDINGS = ["made", "changed", "removed"] as const;

/** The change to a user at run time, as it is kept. */
export interface StoredUser {
  /** The server it belongs to; see {@link UserStore}. */
  readonly server: string;
  /** The name in the log and the counters; unique within its server. */
  readonly name: string;
  /**
   * Password, or base64 key of a 2022 method; empty: that of the configuration.
   * Never logged.
   */
  readonly password: string;
  /** The limits of the user. */
  readonly limits: UserLimits;
  /** True if it may not connect at present. */
  readonly disabled: boolean;
  /** Default: `made`. */
  readonly standing?: "made" | "changed" | "removed";
}

/**
 * Keeps users and counts. A server is named by its port, in decimal: a name
 * that outlives a change of address.
 *
 * Every method throws {@link StoreError} when the disk does not do it; nothing
 * has changed then.
 */
export interface UserStore extends Disposable {
  /** Every user, in the order they were made. */
  users(): StoredUser[];
  /** Adds the user, or takes the place of the one of this name. Durable on return. */
  put(user: StoredUser): void;
  /** Forgets the user and its counts. Durable on return. */
  remove(server: string, name: string): void;
  /**
   * Counts of every user that has any; also of users of the configuration.
   *
   * @param server Only those of this server.
   * @param name Only those of this user of it; empty: of the whole server.
   */
  counts(server?: string, name?: string): KeptCounts[];
  /**
   * Adds to counts, all or none; `lastSeenUnixMs` becomes the later one.
   * Several processes may add to the same counts.
   *
   * @returns The new sums of the users named.
   */
  add(differences: readonly KeptCounts[]): KeptCounts[];
  /** Sets the counts of a user, or of all of a server, to nothing. */
  clear(server: string, name?: string): void;
}

/** Counts, or a difference of them, of one user. */
export interface KeptCounts {
  /** Port of the server, in decimal. */
  readonly server: string;
  /** Name of the user; empty for the server as a whole. */
  readonly name: string;
  /** The numbers. */
  readonly counts: UserCounts;
}
