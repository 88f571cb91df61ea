/**
 * What servers share that have one user base: who may connect and what changes
 * ({@link UserSource}), what was used and how much more each server may let
 * pass ({@link UsageLedger}), and where users are connected from
 * ({@link Seats}).
 *
 * A *node* is one server of the fleet. A *service* is what users are users of:
 * a port, in decimal. The *source* is where nodes meet: an engine such as
 * Valkey, or a panel.
 *
 * Counters cannot double: a node reports its totals since its incarnation
 * began, never differences. A report that is repeated, or comes late, changes
 * nothing. Quotas cannot overshoot while nothing is lost: a node lets pass only
 * bytes it was granted, and the source keeps `used + Σ leases ≤ quota`.
 *
 * @module
 */
import type { UserLimits } from "./users.ts";

/** A user as the source has it. */
export interface SharedUser {
  /** The service it is a user of. */
  readonly service: string;
  /** For the log and the counters; unique within its service. */
  readonly name: string;
  /** Password, or base64 key of a 2022 method. Never logged. */
  readonly password: string;
  /** The limits on all nodes together. */
  readonly limits: UserLimits;
  /** True if it may not connect at present. */
  readonly disabled: boolean;
}

/** What has happened to one user. */
export type SharedChange =
  /** It is new, or has changed: this is what it is now. */
  | { readonly kind: "put"; readonly user: SharedUser }
  /** It is gone. */
  | {
    readonly kind: "gone";
    readonly service: string;
    readonly name: string;
  };

/** Every user of some services, as of one moment. */
export interface UserSnapshot {
  /** In any order. */
  readonly users: readonly SharedUser[];
  /** From where changes are read; a word of the source's own. */
  readonly position: string;
}

/** What has changed since a position. */
export interface UserChanges {
  /** In their order; a user may be there several times. Of any service. */
  readonly changes: readonly SharedChange[];
  /** From where the next changes are read. */
  readonly position: string;
  /**
   * True if changes are missing, since the position is older than the source
   * remembers: take a snapshot.
   */
  readonly isIncomplete?: boolean;
}

/** Who may connect. */
export interface UserSource {
  /**
   * Every user of these services.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED` when the source has lost what it
   * had: no user may be removed then.
   */
  snapshot(services: readonly string[]): Promise<UserSnapshot>;
  /**
   * Waits for what has changed since a position.
   *
   * @returns Without changes after a while in which there were none.
   * @throws {StoreError} As {@link UserSource.snapshot}.
   */
  changes(position: string): Promise<UserChanges>;
}

/** What one node knows of a user that others must know too. */
export interface UsageReport {
  /** The user's service. */
  readonly service: string;
  /** The user. */
  readonly name: string;
  /**
   * Payload bytes from the user to targets since the node's incarnation began;
   * it only grows.
   */
  readonly bytesUp: number;
  /** The same from targets to the user. */
  readonly bytesDown: number;
  /** TCP connections since then. */
  readonly connections: number;
  /** TCP connections that are open on this node now. */
  readonly open: number;
  /**
   * Payload bytes the node wants to be able to let pass beyond these totals; 0
   * gives back what is left of its lease.
   */
  readonly wantBytes: number;
  /** Grows with each report of this user by this incarnation; from 1. */
  readonly sequence: number;
}

/** What a node may let pass. */
export interface Lease {
  /**
   * Total, up and down together since the incarnation began, that the node may
   * reach; `Infinity` where there is no quota.
   */
  readonly grantedBytes: number;
  /** Bytes that all nodes have reported since the counts were cleared. */
  readonly usedBytes: number;
  /** Nodes where the user was active of late, this one among them; at least 1. */
  readonly activeNodes: number;
  /** TCP connections that are open on other nodes. */
  readonly openElsewhere: number;
}

/** What became of a report. */
export type ReportOutcome =
  /** It is counted, and this may pass. */
  | { readonly kind: "lease"; readonly lease: Lease }
  /** There is no such user; nothing is counted. */
  | { readonly kind: "unknown" }
  /** A later incarnation of this node has reported; nothing is counted. */
  | { readonly kind: "stale" };

/** What became of several reports. */
export interface ReportReply {
  /** One for each report, in their order. */
  readonly outcomes: readonly ReportOutcome[];
  /** The source's clock when it answered; milliseconds since 1970. */
  readonly unixMs: number;
}

/** What was used, and what may be. */
export interface UsageLedger {
  /** Milliseconds after which a lease that was not heard of is another's. */
  readonly leaseMs: number;
  /**
   * Begins another incarnation of this node: a number above all before.
   *
   * @throws {ConfigError} When this node is of another fleet.
   */
  join(): Promise<number>;
  /**
   * Reports usage and asks for leases.
   *
   * @param incarnation Of which the totals are.
   * @param reports At most {@link MAX_FLEET_BATCH}, each of another user.
   */
  report(
    incarnation: number,
    reports: readonly UsageReport[],
  ): Promise<ReportReply>;
}

/** A place that a user is connected from. */
export interface Seat {
  /** The user's service. */
  readonly service: string;
  /** The user. */
  readonly name: string;
  /** An IPv4 address, or the first 64 bits of an IPv6 address. */
  readonly place: string;
}

/** What became of somebody who has come. */
export interface Entrance {
  /** True if the place is one of as many as the user may have. */
  readonly isAdmitted: boolean;
  /** The same as for a report. */
  readonly outcome: ReportOutcome;
  /** The source's clock when it answered; milliseconds since 1970. */
  readonly unixMs: number;
}

/** Where users are connected from, over all nodes. */
export interface Seats {
  /** A user connects from a place, for a node that needs to ask: one step. */
  enter(
    incarnation: number,
    seat: Seat,
    report: UsageReport,
  ): Promise<Entrance>;
  /**
   * The user is still there.
   *
   * @param seats At most {@link MAX_FLEET_BATCH}.
   * @returns For each, false if it is one too many: the last to come has to go.
   */
  keep(seats: readonly Seat[]): Promise<boolean[]>;
  /** The last connection of each has ended. */
  leave(seats: readonly Seat[]): Promise<void>;
}

/** Salts that nodes have told. */
export interface ToldSalts {
  /** In their order, {@link SALT_MARK_LENGTH} bytes each, in parts. */
  readonly parts: readonly Uint8Array[];
  /** From where the next ones are read; a word of the source's own. */
  readonly position: string;
}

/**
 * The salts of requests that the nodes of one domain have served: those whose
 * clients have the same keys, so that a copy of a request is good at each.
 */
export interface SaltExchange {
  /**
   * Tells the others; to tell the same again changes nothing.
   *
   * @param parts Salts, {@link SALT_MARK_LENGTH} bytes each.
   */
  tell(parts: readonly Uint8Array[]): Promise<void>;
  /**
   * What others have told.
   *
   * @param position From where; it waits a while for more then. Default: all
   * of the last {@link SALT_POOL_MS}, at once.
   */
  told(position?: string): Promise<ToldSalts>;
  /**
   * Claims a salt, in one step for all nodes.
   *
   * @param salt Borrowed for the call.
   * @returns False if it was claimed within the last {@link SALT_POOL_MS}.
   */
  claim(salt: Uint8Array): Promise<boolean>;
}

/**
 * What one node has of the source.
 *
 * Every method settles within {@link FLEET_CALL_MS}, `changes()` within
 * {@link FLEET_WATCH_MS} more, a snapshot as long as its parts arrive. Each
 * throws {@link TransportError} when the source did not answer, and may have
 * done it all the same; {@link StoreError} when the source refused. Disposal
 * rejects what is waited for with `ERR_NET_CLOSED`.
 */
export interface FleetLink
  extends UserSource, UsageLedger, Seats, AsyncDisposable {
  /** The node's name, which outlives the process. */
  readonly node: string;
  /** Id of the fleet; not set where the source has only one. */
  readonly fleet?: string;
  /** Not set where the source has none. */
  readonly salts?: SaltExchange | undefined;
}

/**
 * What a node keeps on its own disk, over restarts: copies of users, totals that
 * are not reported yet. Values may be secret.
 */
export interface NodeMemory {
  /**
   * Every entry whose key begins so, in the order of keys.
   *
   * @throws {StoreError} When the disk does not do it.
   */
  entries(prefix: string): (readonly [key: string, value: string])[];
  /**
   * Sets entries, all or none; `undefined` removes one. Durable on return.
   *
   * @throws {StoreError} When the disk does not do it; nothing has changed then.
   */
  write(
    changes: Iterable<readonly [key: string, value: string | undefined]>,
  ): void;
}
