/**
 * The interfaces of a fleet, which is several servers with the same users: who
 * may connect and what changes ({@link UserSource}), how much was used and how
 * much more each server may relay ({@link UsageLedger}), from where users are
 * connected ({@link Seats}), and which servers there are
 * ({@link NodeDirectory}).
 *
 * A *node* is one server of the fleet. A *service* is the port, in decimal,
 * that a user belongs to. The *source* is what the nodes share: an engine such
 * as Valkey, or a panel.
 *
 * Traffic is never counted twice: a node reports its totals since its
 * incarnation began, never differences, so that a repeated or late report
 * changes nothing. Quotas are not exceeded while no report is lost: a node
 * relays only bytes it was granted, and the source keeps
 * `used + Σ leases ≤ quota`.
 *
 * @module
 */
import type { UserLimits } from "./users.ts";

/** A user as the source stores it. */
export interface SharedUser {
  /** The service that the user belongs to. */
  readonly service: string;
  /** The name in the log and the counters; unique within its service. */
  readonly name: string;
  /** Password, or base64 key of a 2022 method. Never logged. */
  readonly password: string;
  /** The limits over all nodes together. */
  readonly limits: UserLimits;
  /** True if the user may not connect at present. */
  readonly disabled: boolean;
}

/** A change of one user. */
export type SharedChange =
  /** The user is new or has changed; `user` is its present state. */
  | { readonly kind: "put"; readonly user: SharedUser }
  /** The user was removed. */
  | {
    readonly kind: "gone";
    readonly service: string;
    readonly name: string;
  };

/** Every user of some services at one moment. */
export interface UserSnapshot {
  /** The users, in any order. */
  readonly users: readonly SharedUser[];
  /** Position of the next changes, in the source's own format. */
  readonly position: string;
}

/** The changes since a position. */
export interface UserChanges {
  /**
   * The changes of all services in their order; a user may occur several times.
   */
  readonly changes: readonly SharedChange[];
  /** Position of the next changes. */
  readonly position: string;
  /**
   * True if the position is older than the source remembers. Changes are
   * missing then, and the node must take a snapshot.
   */
  readonly isIncomplete?: boolean;
}

/** The users that may connect. */
export interface UserSource {
  /**
   * Returns every user of these services.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED` if the source has lost its data.
   * No user may be removed then.
   */
  snapshot(services: readonly string[]): Promise<UserSnapshot>;
  /**
   * Waits for changes since a position.
   *
   * @returns No changes if there were none for a while.
   * @throws {StoreError} As {@link UserSource.snapshot}.
   */
  changes(position: string): Promise<UserChanges>;
}

/** The report of one node about a user. */
export interface UsageReport {
  /** The user's service. */
  readonly service: string;
  /** The user's name. */
  readonly name: string;
  /**
   * Payload bytes from the user to targets since the node's incarnation began;
   * never decreases.
   */
  readonly bytesUp: number;
  /** Payload bytes from targets to the user, counted in the same way. */
  readonly bytesDown: number;
  /** TCP connections since the node's incarnation began. */
  readonly connections: number;
  /** TCP connections that are open on this node now. */
  readonly open: number;
  /**
   * Payload bytes beyond these totals that the node asks to relay; 0 gives back
   * the rest of its lease.
   */
  readonly wantBytes: number;
  /** The number of this report of this user in this incarnation, from 1. */
  readonly sequence: number;
}

/** The bytes that a node may relay, and related counts. */
export interface Lease {
  /**
   * The total, up and down together since the incarnation began, that the node
   * may reach; `Infinity` without a quota.
   */
  readonly grantedBytes: number;
  /** Bytes that all nodes have reported since the counts were last cleared. */
  readonly usedBytes: number;
  /**
   * Nodes on which the user was active recently, including this one; at least
   * 1.
   */
  readonly activeNodes: number;
  /** TCP connections that are open on other nodes. */
  readonly openElsewhere: number;
}

/** The result of a report. */
export type ReportOutcome =
  /** The report is counted, and the node has this lease. */
  | { readonly kind: "lease"; readonly lease: Lease }
  /** There is no such user; nothing is counted. */
  | { readonly kind: "unknown" }
  /** A later incarnation of this node has reported; nothing is counted. */
  | { readonly kind: "stale" };

/** The results of several reports. */
export interface ReportReply {
  /** One result for each report, in their order. */
  readonly outcomes: readonly ReportOutcome[];
  /** The source's clock when it answered; milliseconds since 1970. */
  readonly unixMs: number;
}

/** Counts usage and grants leases. */
export interface UsageLedger {
  /** Milliseconds without a report after which a lease is granted to others. */
  readonly leaseMs: number;
  /**
   * Starts a new incarnation of this node. Its number is above all earlier
   * ones.
   *
   * @throws {ConfigError} If this node belongs to another fleet.
   */
  join(): Promise<number>;
  /**
   * Reports usage and asks for leases.
   *
   * @param incarnation The incarnation that the totals belong to.
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
  /** The user's name. */
  readonly name: string;
  /** An IPv4 address, or the first 64 bits of an IPv6 address. */
  readonly place: string;
}

/** The service and the name of a user. */
export type UserId = Pick<SharedUser, "service" | "name">;

/** Payload bytes of the present period of a user's quota, of all nodes. */
export interface UsedBytes {
  /** From the user to targets. */
  readonly bytesUp: number;
  /** From targets to the user. */
  readonly bytesDown: number;
}

/** Reads what all nodes have reported. */
export interface UsageTotals {
  /**
   * Returns the bytes of users in their order; `undefined` for a user that does
   * not exist.
   *
   * @param users At most {@link FLEET_COPY_BATCH}.
   */
  used(users: readonly UserId[]): Promise<(UsedBytes | undefined)[]>;
}

/** The result of {@link Seats.enter}. */
export interface Entrance {
  /** True if the user's places, including this one, are within the limit. */
  readonly isAdmitted: boolean;
  /** The result of the report. */
  readonly outcome: ReportOutcome;
  /** The source's clock when it answered; milliseconds since 1970. */
  readonly unixMs: number;
}

/** The places that users are connected from, over all nodes. */
export interface Seats {
  /** Takes a seat for a user and reports its usage, in one call. */
  enter(
    incarnation: number,
    seat: Seat,
    report: UsageReport,
  ): Promise<Entrance>;
  /**
   * Reports that these users are still connected.
   *
   * @param seats At most {@link MAX_FLEET_BATCH}.
   * @returns For each seat, false if it exceeds the limit; seats that were
   * taken last are refused first.
   */
  keep(seats: readonly Seat[]): Promise<boolean[]>;
  /** Reports that the last connection of each seat has ended. */
  leave(seats: readonly Seat[]): Promise<void>;
}

/** One service of a node, with what clients need to reach it. */
export interface NodeService {
  /** Its port, in decimal. */
  readonly service: string;
  /** The name or IP address that clients use. */
  readonly host: string;
  /** Its cipher. */
  readonly method: string;
  /** `tcp_only`, `udp_only` or `tcp_and_udp`. */
  readonly mode: string;
  /** Plugin and its options, as links have them. Default: none. */
  readonly plugin?: string;
  /** The server's key, which 2022 methods put before the user's. Never logged. */
  readonly serverKey?: string;
}

/** The heartbeat of a node. */
export interface NodeBeat {
  /** Version of Umbra. */
  readonly version: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
  /** Milliseconds since 1970 when it started, by the source's clock. */
  readonly startedUnixMs: number;
  /** False while it starts or ends. */
  readonly isReady: boolean;
  /** TCP connections that are open. */
  readonly connections: number;
  /** Payload bytes per second, both directions together. */
  readonly bytesPerSecond: number;
  /** Duration of the source's last answer in milliseconds. */
  readonly answerMs: number;
  /** Milliseconds that the source's clock is ahead of the node's. */
  readonly clockOffsetMs: number;
  /** Its services; at most {@link MAX_NODE_SERVICES}. */
  readonly services: readonly NodeService[];
}

/** A node in the source. */
export interface FleetNode extends NodeBeat {
  /** Its name. */
  readonly node: string;
  /** Time of its last heartbeat by the source's clock; milliseconds since 1970. */
  readonly heardUnixMs: number;
  /** True if the operator drains it. */
  readonly isDraining: boolean;
  /** The ids of its fleet keys, the current one first; may be empty. */
  readonly keyIds: readonly number[];
  /** True if its services cannot be opened with the keys here, and are omitted. */
  readonly isSealed: boolean;
}

/** The nodes of a fleet at one moment. */
export interface NodeList {
  /** The nodes with a heartbeat in the last {@link NODE_FORGET_MS}, by name. */
  readonly nodes: readonly FleetNode[];
  /** The source's clock; milliseconds since 1970. */
  readonly unixMs: number;
}

/** The heartbeats of nodes. */
export interface NodeDirectory {
  /**
   * Sends the heartbeat of this node. One of an older incarnation changes
   * nothing.
   *
   * @returns True if the operator drains the node.
   */
  beat(incarnation: number, beat: NodeBeat): Promise<boolean>;
  /** Removes this node, if no later incarnation runs. */
  leave(incarnation: number): Promise<void>;
  /** Lists the {@link MAX_FLEET_NODES} nodes with the latest heartbeats. */
  list(): Promise<NodeList>;
  /**
   * Drains or restores a node.
   *
   * @returns False if the node does not exist.
   */
  setDraining(node: string, isDraining: boolean): Promise<boolean>;
}

/** Salts that nodes have served. */
export interface ToldSalts {
  /**
   * The salts in their order, in parts; {@link SALT_MARK_LENGTH} bytes each.
   */
  readonly parts: readonly Uint8Array[];
  /** Position of the next salts, in the source's own format. */
  readonly position: string;
}

/**
 * The salts of requests that the nodes of one domain have served. A domain is
 * the nodes whose clients have the same keys, so that each of them would accept
 * a copy of a request.
 */
export interface SaltExchange {
  /**
   * Sends salts to the other nodes; sending the same salts again changes
   * nothing.
   *
   * @param parts Salts, {@link SALT_MARK_LENGTH} bytes each.
   */
  tell(parts: readonly Uint8Array[]): Promise<void>;
  /**
   * Returns the salts that other nodes have sent.
   *
   * @param position The position to read from; the call waits a while for more
   * salts then. Default: all salts of the last {@link SALT_POOL_MS}, at once.
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
 * The connection of one node to the source.
 *
 * Every method settles within {@link FLEET_CALL_MS}; `changes()` may take
 * {@link FLEET_WATCH_MS} longer, and a snapshot as long as its parts arrive.
 * Each throws {@link TransportError} if the source did not answer; the call may
 * have taken effect. Each throws {@link StoreError} if the source refused.
 * Disposal rejects pending calls with `ERR_NET_CLOSED`.
 */
export interface FleetLink
  extends UserSource, UsageLedger, Seats, AsyncDisposable {
  /** The node's name, which stays the same after a restart. */
  readonly node: string;
  /** Id of the fleet; not set if the source serves only one fleet. */
  readonly fleet?: string;
  /** The nodes; not set if the source does not keep them. */
  readonly nodes?: NodeDirectory;
  /** The usage; not set if the source does not tell it. */
  readonly totals?: UsageTotals;
  /** The salts; not set if the source does not exchange them. */
  readonly salts?: SaltExchange | undefined;
}

/** A part of the entries of a {@link NodeMemory}. */
export interface MemoryPage {
  /** The key before the first one. */
  readonly after: string;
  /** The largest number of entries. */
  readonly count: number;
}

/**
 * What a node keeps on its own disk over restarts: copies of users, and totals
 * that are not reported yet. Values may be secret.
 */
export interface NodeMemory {
  /**
   * Returns the entries whose key starts with `prefix`, ordered by key.
   *
   * @param page Default: all entries.
   * @throws {StoreError} If the disk fails.
   */
  entries(
    prefix: string,
    page?: MemoryPage,
  ): (readonly [key: string, value: string])[];
  /**
   * Sets all entries or none; `undefined` removes an entry. Durable on return.
   *
   * @throws {StoreError} If the disk fails; nothing has changed then.
   */
  write(
    changes: Iterable<readonly [key: string, value: string | undefined]>,
  ): void;
}
