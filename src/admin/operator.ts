/**
 * The running program for its operator: the interface of metrics, API,
 * dashboard and `umbra top`.
 *
 * @module
 */
import type { DialCounts, DialPercentiles } from "../dial_times.ts";
import type { RuleListFacts } from "../routes/rule_list.ts";
import type { DnsStatus } from "../service/dns/dns_status.ts";
import type { ServerSwitches } from "../service/outbound/servers/server_group.ts";
import type { GroupServerStatus } from "../service/outbound/servers/server_status.ts";
import type { PanelStatus } from "../service/panel/panel_link.ts";
import type { Mode } from "../service/options.ts";
import type { MemberStatus } from "../service/fleet/member.ts";
import type { UsedBytes } from "../fleet.ts";
import type { FleetTotals } from "../service/fleet/fleet_totals.ts";
import type { KnownNodes } from "../service/fleet/presence.ts";
import type { PluginStatus } from "../service/plugin/plugin.ts";
import type { UserCounts, UserLimits, UserUsage } from "../users.ts";

/** The switches of the servers of a local. */
export interface UpstreamControl {
  /**
   * Sends everything through one server; throws `RangeError` if there is none
   * of this name.
   *
   * @param name The server; not set to return to the policy.
   */
  pin(name: string | undefined): void;
  /** Enables or disables a server, or changes its weights; throws as `pin`. */
  change(name: string, change: ServerSwitches): void;
  /**
   * Probes a server; throws as `pin`.
   *
   * @returns True if it has answered.
   */
  probe(name: string): Promise<boolean>;
}

/** The nodes of a fleet. */
export interface FleetNodes {
  /**
   * Returns every node, at most a second old; while the source is unreachable,
   * the last known list.
   */
  nodes(): Promise<KnownNodes>;
  /**
   * Drains or restores a node.
   *
   * @returns False if the node does not exist.
   * @throws {TransportError | StoreError} If the source does not answer, or
   * refuses.
   */
  setDraining(node: string, isDraining: boolean): Promise<boolean>;
}

/** A server of a local. */
export interface UpstreamStatus extends GroupServerStatus {
  /** Set if the server was added at run time. */
  readonly added?: true;
}

/** A list of rules of a local. */
export interface RuleSetStatus extends RuleListFacts {
  /** Time of the last fetch of a published list, in milliseconds since 1970. */
  readonly lookedUnixMs?: number;
  /** Set if the last fetch failed and the last good copy is used. */
  readonly isStale?: true;
}

/** The running program. */
export interface Operator {
  /** The servers of a local; not set for a server. */
  readonly upstreams?: UpstreamControl;
  /**
   * Adds a server to a local until the next reload; not set for a server.
   *
   * @param link For example `ss://…`.
   * @returns The name of the server.
   * @throws {ConfigError} If the server cannot be used; nothing has changed
   * then.
   */
  addUpstream?(link: string): Promise<string>;
  /**
   * Removes a server that was added.
   *
   * @throws {ConfigError} If the server was not added; nothing has changed
   * then.
   */
  removeUpstream?(name: string): Promise<void>;
  /**
   * Returns the present status. It may be called once a second.
   *
   * @param page The users in the status; default: the first hundred.
   */
  status(page?: UserPage): Status;
  /**
   * Returns all users of a server in order; none if the server does not exist.
   *
   * @param server See {@link ServerStatus.id}.
   */
  users(server: string): Iterable<UserStatus>;
  /** Returns one user of a server; `undefined` if it does not exist. */
  user(server: string, name: string): UserStatus | undefined;
  /**
   * Returns the password and `ss://` URI of a user.
   *
   * @param server See {@link ServerStatus.id}.
   * @param name The user; "" for the server itself, if its users have no names.
   * @returns `undefined` if the server or user does not exist, or has a raw key
   * of a 2017 method, which no password gives.
   */
  credentials(server: string, name: string): Credentials | undefined;
  /** The nodes of its fleet; not set if the program is in no fleet. */
  readonly fleetNodes?: FleetNodes | undefined;
  /**
   * Returns the links of a user to every server of the fleet that accepts new
   * clients, in the order to try them; only the link to this server if there is
   * no such server. Not set if the program is in no fleet. Arguments as for
   * `credentials`.
   */
  links?(server: string, name: string): Promise<readonly string[]>;
  /**
   * Returns the bytes that a user has used of its quota on every server of the
   * fleet; for a user of this program alone, those that are counted here. Not
   * set if the program is in no fleet. Arguments as for `credentials`.
   *
   * @returns `undefined` while the fleet's source does not answer, or if the
   * user does not exist.
   */
  used?(server: string, name: string): Promise<UsedBytes | undefined>;
  /**
   * Returns the totals of the fleet. Not set if the program cannot be in a
   * fleet.
   *
   * @returns `undefined` while the source does not answer.
   */
  fleetTotals?(): Promise<FleetTotals | undefined>;
  /**
   * Adds a user at once; the store keeps it.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` if the name is in use or the
   * password is invalid for the method; nothing has changed then.
   * @throws {RangeError} If the server does not exist.
   */
  addUser(server: string, user: NewUser): void;
  /**
   * Changes the given settings of a user; for a user of the configuration they
   * override the file. Open connections stay open, unless the user is disabled
   * or a limit ends them.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` as above.
   * @throws {RangeError} If the server or user does not exist.
   */
  changeUser(server: string, name: string, change: UserChange): void;
  /** Removes a user and closes its connections; throws as `changeUser`. */
  removeUser(server: string, name: string): void;
  /**
   * Sets counts to zero.
   *
   * @param name The user; not set for the server and all its users.
   * @throws {RangeError} If the server or user does not exist.
   */
  clearCounts(server: string, name?: string): void;
  /**
   * Starts a server on a port of its own. It replaces a server that was added
   * at run time on this port; if it cannot start, that one continues.
   *
   * @throws {ConfigError | TransportError} If the server cannot start; nothing
   * has changed then.
   */
  addServer(server: NewServer): Promise<void>;
  /**
   * Stops a server that was added at run time; its connections get the grace
   * time of the program.
   *
   * @returns True if the server existed.
   */
  removeServer(id: string): boolean;
  /**
   * Reads the configuration again and applies the changes.
   *
   * @param dryRun True to return the changes without applying them.
   * @throws {ConfigError} If the new configuration is invalid; nothing has
   * changed then.
   */
  reload(dryRun: boolean): Promise<ReloadReport>;
}

/** A user to add. */
export interface NewUser {
  /** The name in the log and in counters. */
  readonly name: string;
  /** Password, or base64 key of a 2022 method; default: a new strong one. */
  readonly password?: string | undefined;
  readonly limits?: UserLimits | undefined;
  /** True if the user may not connect; default false. */
  readonly disabled?: boolean | undefined;
}

/** The changes of a user; `limits` replaces all limits. */
export type UserChange = Partial<Omit<NewUser, "name">>;

/** A server to add, as in the manager protocol. */
export interface NewServer {
  /** 1 to 65,535. */
  readonly port: number;
  /** Password, or base64 key of a 2022 method. */
  readonly password: string;
  /** The method; default: that of the first configured server. */
  readonly method?: string | undefined;
  /** The mode; default: that of the first configured server. */
  readonly mode?: Mode | undefined;
}

/** The access of one user. Secret. */
export interface Credentials {
  /** Password, or base64 key of a 2022 method. */
  readonly password: string;
  /**
   * The link for `ss-local` and apps; the host is a guess unless it is
   * configured.
   */
  readonly uri: string;
}

/** The changes of a reload, applied or not. */
export interface ReloadReport {
  /** One sentence for each change; empty if nothing differs. */
  readonly changes: readonly string[];
  /** Warnings for the operator. */
  readonly warnings: readonly string[];
}

/** The program at one moment, as JSON data. */
export interface Status {
  /** Version of Umbra. */
  readonly version: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
  /** The role. */
  readonly role: "server" | "local";
  /** Start time in milliseconds since 1970. */
  readonly startedUnixMs: number;
  /** Time of this status in milliseconds since 1970. */
  readonly nowUnixMs: number;
  /**
   * True if every configured service listens and the program is not stopping;
   * for a local, also some server must not be known to be down.
   */
  readonly ready: boolean;
  /** TCP connections. */
  readonly connections: {
    readonly open: number;
    /** Connections since the start. */
    readonly accepted: number;
    /** Maximum of open connections; further clients wait. */
    readonly limit: number;
  };
  /** UDP associations. */
  readonly associations: { readonly open: number; readonly evicted: number };
  /** Payload since the start, of all services. */
  readonly traffic: Pick<
    UserCounts,
    "bytesUp" | "bytesDown" | "packetsUp" | "packetsDown"
  >;
  /** Failed and refused connections since the start, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Refusals of the last minute by error code, without zeros. */
  readonly recentRefusals: Readonly<Record<string, number>>;
  /** Dropped datagrams since the start, by error code. */
  readonly drops: Readonly<Record<string, number>>;
  /**
   * Datagrams since the start for which a socket had no room, in the buffer of
   * the system or of Umbra.
   */
  readonly lostDatagrams: number;
  /**
   * Decisions of rules since the start, by route: connections and requests, and
   * datagrams. Empty if there are no rules.
   */
  readonly routed: {
    readonly tcp: Readonly<Record<string, number>>;
    readonly udp: Readonly<Record<string, number>>;
  };
  /**
   * Names that this machine's resolver was asked for since the start, by
   * reason: a rule, a target or a server; also those that it must not be asked
   * for.
   */
  readonly lookups: Readonly<Record<string, number>>;
  /** Number of times that a local has seen another network of this machine. */
  readonly networkChanges: number;
  /**
   * Time to resolve and connect to targets (for a local: to its server) in the
   * last minute, of successful dials.
   */
  readonly dialMs: DialPercentiles;
  /** Successful and failed dials since the start. */
  readonly dials: { readonly ok: DialCounts; readonly failed: DialCounts };
  /** Largest delay of a timer in the last second, in milliseconds. */
  readonly eventLoopLagMs: number;
  /** Resident memory in bytes. */
  readonly residentBytes: number;
  /** File descriptors; not set if the runtime cannot tell. */
  readonly descriptors?: { readonly open: number; readonly limit: number };
  /** The provider of each method in use. */
  readonly crypto: readonly {
    readonly method: string;
    readonly provider: string;
  }[];
  /** Methods in use that do not detect changes of the traffic. */
  readonly legacy: readonly string[];
  /** Last measured difference of a client's clock; not set before the first. */
  readonly clockSkewSeconds?: number;
  /** Totals of all users of all servers, also of those not listed. */
  readonly users: UserTotals;
  /** True if changes of users at run time survive a restart. */
  readonly keepsUsers: boolean;
  /** Lists of rules; not set if there are no rules. */
  readonly ruleSets?: readonly RuleSetStatus[];
  /** The DNS inbound; not set if there is none. */
  readonly dns?: DnsStatus;
  /** Plugins; not set if there are none. */
  readonly plugins?: readonly PluginStatus[];
  /** The panel; not set if the program is not a node of one. */
  readonly panel?: PanelStatus;
  /** The membership in a fleet; not set if there is none. */
  readonly fleet?: MemberStatus;
  /** The servers, in the order of the configuration. */
  readonly servers: readonly ServerStatus[];
  /** The servers of a local, in the order of the configuration. */
  readonly upstreams?: readonly UpstreamStatus[];
}

/** A selection of users: the first in some order that pass a filter. */
export interface UserPage {
  /** Id of the column by which users are sorted. */
  readonly sort: string;
  /** True for descending order. */
  readonly descending: boolean;
  /** Part of a name, in any case; "" for every name. */
  readonly filter: string;
  /** A state; "" for every state. */
  readonly state: string;
  /** Maximum of listed users, over all servers: 0 to 1,000. */
  readonly limit: number;
}

/** Totals of all users, listed or not. */
export interface UserTotals {
  /** Number of users. */
  readonly total: number;
  /** Number of users that pass the filter. */
  readonly found: number;
  /** Number of users with a connection. */
  readonly connected: number;
  /** Payload of all users in bytes, both directions together. */
  readonly bytes: number;
  /** Payload of the user with the most, in bytes. */
  readonly mostBytes: number;
}

/** One listening address. */
export interface ServerStatus {
  /** Identifies the server in the API and the store: its port, in decimal. */
  readonly id: string;
  /** `host:port`. */
  readonly address: string;
  /** The method; for a local, that of its first server. */
  readonly method: string;
  /** `tcp_only`, `udp_only` or `tcp_and_udp`. */
  readonly mode: string;
  /** True if the server was added at run time. */
  readonly managed: boolean;
  /** Payload through this server, also without a user. */
  readonly usage: UserUsage;
  /** Number of users of this server, listed or not. */
  readonly userCount: number;
  /** The listed users; empty if users have no names. */
  readonly users: readonly UserStatus[];
}

/** One user of a server. */
export interface UserStatus {
  /** The name in the log and in counters. */
  readonly name: string;
  /**
   * The origin of the user: the configuration, the API, the configuration with
   * changes made at run time, or the fleet.
   */
  readonly origin: "file" | "api" | "changed" | "fleet";
  /** True if the user may not connect. */
  readonly disabled: boolean;
  readonly limits: UserLimits;
  readonly usage: UserUsage;
  /** The present rate. */
  readonly rate: Rate;
}

/** A rate in bytes a second, in both directions. */
export interface Rate {
  /** From users to targets. */
  readonly up: number;
  /** From targets to users. */
  readonly down: number;
}

/** The rate without traffic. */
export const NO_RATE: Rate = { up: 0, down: 0 };
