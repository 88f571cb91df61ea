/**
 * What the operator's port can see and do: the running program, as its
 * metrics, API, dashboard and `umbra top` know it.
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
import type { KnownNodes } from "../service/fleet/presence.ts";
import type { PluginStatus } from "../service/plugin/plugin.ts";
import type { UserLimits, UserUsage } from "../users.ts";

/** The switches of the servers that a local sends through. */
export interface UpstreamControl {
  /**
   * Sends everything through one server; throws `RangeError` when there is none
   * of this name.
   *
   * @param name Not set: as the policy says again.
   */
  pin(name: string | undefined): void;
  /** Takes a server out or in, or gives it other weights; throws as `pin`. */
  change(name: string, change: ServerSwitches): void;
  /**
   * Asks a server for a sign of life; throws as `pin`.
   *
   * @returns True if there was one.
   */
  probe(name: string): Promise<boolean>;
}

/** The nodes of a fleet. */
export interface FleetNodes {
  /**
   * Every node, as of a second ago; while the source is unreachable, the last
   * known list.
   */
  nodes(): Promise<KnownNodes>;
  /**
   * Drains or restores a node.
   *
   * @returns False if there is no such node.
   * @throws {TransportError | StoreError} When the source did not do it.
   */
  setDraining(node: string, isDraining: boolean): Promise<boolean>;
}

/** A server that a local sends through. */
export interface UpstreamStatus extends GroupServerStatus {
  /** Set: it was added at run time. */
  readonly added?: true;
}

/** A list of rules that a local decides by. */
export interface RuleSetStatus extends RuleListFacts {
  /**
   * Milliseconds since 1970 when the host of a published list was last asked.
   */
  readonly lookedUnixMs?: number;
  /** Set: the host did not answer then, and the last good copy counts. */
  readonly isStale?: true;
}

/** The running program. */
export interface Operator {
  /** The servers that it sends through; not set: it is a server itself. */
  readonly upstreams?: UpstreamControl;
  /**
   * Adds a server that it sends through, until the next reload; not set: it is
   * a server itself.
   *
   * @param link `ss://…`, say.
   * @returns Its name.
   * @throws {ConfigError} When it cannot be used; nothing has changed then.
   */
  addUpstream?(link: string): Promise<string>;
  /**
   * Takes away a server that was added.
   *
   * @throws {ConfigError} When it was not added; nothing has changed then.
   */
  removeUpstream?(name: string): Promise<void>;
  /**
   * Everything there is to see, now. Cheap enough for once a second.
   *
   * @param page The users it lists; default: the first hundred.
   */
  status(page?: UserPage): Status;
  /**
   * Every user of a server, in their order; none where there is no such server.
   *
   * @param server See {@link ServerStatus.id}.
   */
  users(server: string): Iterable<UserStatus>;
  /** One user of a server; `undefined` where there is no such one. */
  user(server: string, name: string): UserStatus | undefined;
  /**
   * The user with its password and `ss://` URI.
   *
   * @param server See {@link ServerStatus.id}.
   * @param name Empty: the server itself, where users have no names.
   * @returns `undefined` when there is no such server or user, or its key is a
   * raw one of 2017, which no password makes.
   */
  credentials(server: string, name: string): Credentials | undefined;
  /** The nodes of its fleet; not set: the program is in no fleet. */
  readonly fleetNodes?: FleetNodes | undefined;
  /**
   * The links of a user to every server of the fleet that accepts new clients,
   * in the order to try them; to this server alone, if there is none. Not set:
   * the program is in no fleet. Arguments as for `credentials`.
   */
  links?(server: string, name: string): Promise<readonly string[]>;
  /**
   * Adds a user, at once and for as long as the store keeps it.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` when the name is taken or the
   * password is none of the method's; nothing has changed then.
   * @throws {RangeError} When there is no such server.
   */
  addUser(server: string, user: NewUser): void;
  /**
   * Changes what is named; of a user of the configuration, over what it says.
   * Open connections live on, unless the user is disabled or a limit ends them.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` as above.
   * @throws {RangeError} When there is no such server or user.
   */
  changeUser(server: string, name: string, change: UserChange): void;
  /** Ends the user's connections and forgets it; throws as `changeUser`. */
  removeUser(server: string, name: string): void;
  /**
   * Sets counts to nothing.
   *
   * @param name Not set: of every user of the server, and of the server.
   * @throws {RangeError} When there is no such server or user.
   */
  clearCounts(server: string, name?: string): void;
  /**
   * Starts a server on a port of its own. It takes the place of one that was
   * added at run time on this port, which goes on when this one cannot start.
   *
   * @throws {ConfigError | TransportError} When it cannot; nothing has changed
   * then.
   */
  addServer(server: NewServer): Promise<void>;
  /**
   * Stops a server that was added at run time; its connections get the grace
   * of the program.
   *
   * @returns True if there was one.
   */
  removeServer(id: string): boolean;
  /**
   * Reads the configuration again and applies what is new.
   *
   * @param dryRun Only says what would change.
   * @throws {ConfigError} When the new configuration is wrong; nothing has
   * changed then.
   */
  reload(dryRun: boolean): Promise<ReloadReport>;
}

/** A user about to be added. */
export interface NewUser {
  /** The name in the log and the counters. */
  readonly name: string;
  /** Password, or base64 key of a 2022 method; not set: a new strong one. */
  readonly password?: string | undefined;
  readonly limits?: UserLimits | undefined;
  /** Default: false. */
  readonly disabled?: boolean | undefined;
}

/** The changes to a user; `limits` replaces all limits. */
export type UserChange = Partial<Omit<NewUser, "name">>;

/** A server about to be added, as the manager protocol names it. */
export interface NewServer {
  /** 1 to 65,535. */
  readonly port: number;
  /** Password, or base64 key of a 2022 method. */
  readonly password: string;
  /** Default: the method of the first configured server. */
  readonly method?: string | undefined;
  /** Default: the mode of the first configured server. */
  readonly mode?: Mode | undefined;
}

/** The link of one user. Secret. */
export interface Credentials {
  /** Password, or base64 key of a 2022 method. */
  readonly password: string;
  /**
   * The link for `ss-local` and phones; the host is a guess unless configured.
   */
  readonly uri: string;
}

/** The effect of a reload, done or tried. */
export interface ReloadReport {
  /** One sentence a change; empty: nothing is new. */
  readonly changes: readonly string[];
  /** Warnings for the operator. */
  readonly warnings: readonly string[];
}

/** The program at one moment. All of it is JSON. */
export interface Status {
  /** Version of Umbra. */
  readonly version: string;
  /** Name and version of the runtime. */
  readonly runtime: string;
  /** Which end it is. */
  readonly role: "server" | "local";
  /** Milliseconds since 1970 when it started. */
  readonly startedUnixMs: number;
  /** Milliseconds since 1970 when this status was made. */
  readonly nowUnixMs: number;
  /**
   * True if every configured service listens and it is not stopping; of a
   * local, also only while some server is not known to be down.
   */
  readonly ready: boolean;
  /** TCP connections. */
  readonly connections: {
    readonly open: number;
    /** Since the start. */
    readonly accepted: number;
    /** Connections at once; new clients wait beyond it. */
    readonly limit: number;
  };
  /** UDP associations. */
  readonly associations: { readonly open: number; readonly evicted: number };
  /** Payload since the start, over everything. */
  readonly traffic: {
    readonly bytesUp: number;
    readonly bytesDown: number;
    readonly packetsUp: number;
    readonly packetsDown: number;
  };
  /** Connections that failed or were refused since the start, by error code. */
  readonly refusals: Readonly<Record<string, number>>;
  /** Refusals of the last minute by code, without zeros. */
  readonly recentRefusals: Readonly<Record<string, number>>;
  /** Datagrams that were dropped since the start, by error code. */
  readonly drops: Readonly<Record<string, number>>;
  /**
   * Datagrams that a socket had no room for since the start, in the system's
   * buffer or in ours.
   */
  readonly lostDatagrams: number;
  /**
   * What rules have decided since the start, by where it went: connections and
   * requests, and datagrams. Empty where there are no rules.
   */
  readonly routed: {
    readonly tcp: Readonly<Record<string, number>>;
    readonly udp: Readonly<Record<string, number>>;
  };
  /**
   * How often this machine's resolver was asked since the start, by why: for a
   * rule, a target, or a server; or was not, because it must not.
   */
  readonly lookups: Readonly<Record<string, number>>;
  /**
   * Time to resolve and connect to targets (a local: to its server), where
   * that worked, of the last minute.
   */
  readonly dialMs: DialPercentiles;
  /** Dials and failed dials since the start. */
  readonly dials: { readonly ok: DialCounts; readonly failed: DialCounts };
  /** The largest delay of a timer in the last second, in milliseconds. */
  readonly eventLoopLagMs: number;
  /** Resident memory in bytes. */
  readonly residentBytes: number;
  /** File descriptors; not set where the runtime cannot tell. */
  readonly descriptors?: { readonly open: number; readonly limit: number };
  /** The provider of each method in use. */
  readonly crypto: readonly {
    readonly method: string;
    readonly provider: string;
  }[];
  /** Methods in use that do not notice changes on the way; may be empty. */
  readonly legacy: readonly string[];
  /** Last measured difference of a client's clock; not set without one. */
  readonly clockSkewSeconds?: number;
  /** Totals of the users of all servers, also of those that are left out. */
  readonly users: UserTotals;
  /** True if users that are changed at run time outlive the program. */
  readonly keepsUsers: boolean;
  /** Lists of rules; not set: no rules decide. */
  readonly ruleSets?: readonly RuleSetStatus[];
  /** The port for DNS; not set: there is none. */
  readonly dns?: DnsStatus;
  /** Programs in front of servers; not set: none. */
  readonly plugins?: readonly PluginStatus[];
  /** The panel whose node it is; not set: it is none. */
  readonly panel?: PanelStatus;
  /** Its part in a fleet; not set: none. */
  readonly fleet?: MemberStatus;
  /** The servers, in the order of the configuration. */
  readonly servers: readonly ServerStatus[];
  /** The servers of a local, in the order of the configuration. */
  readonly upstreams?: readonly UpstreamStatus[];
}

/** The first users in some order, of those that a filter lets through. */
export interface UserPage {
  /** Id of the column that orders them. */
  readonly sort: string;
  /** True if the largest is first. */
  readonly descending: boolean;
  /** Part of a name, in any case; empty: every name. */
  readonly filter: string;
  /** A state; empty: every one. */
  readonly state: string;
  /** Users in the answer, over all servers: 0 to 1,000. */
  readonly limit: number;
}

/** Totals of all users, in the answer or not. */
export interface UserTotals {
  /** All users. */
  readonly total: number;
  /** Users that pass the filter. */
  readonly found: number;
  /** Users with a connection. */
  readonly connected: number;
  /** Payload of all of them, both directions together. */
  readonly bytes: number;
  /** Bytes of the user who moved most. */
  readonly mostBytes: number;
}

/** One place to listen. */
export interface ServerStatus {
  /** Names it in the API and the store: its port, in decimal. */
  readonly id: string;
  /** `host:port`. */
  readonly address: string;
  /** Cipher; of a local, that of its first server. */
  readonly method: string;
  /** `tcp_only`, `udp_only` or `tcp_and_udp`. */
  readonly mode: string;
  /** True if it was added at run time. */
  readonly managed: boolean;
  /** Payload through this server, of users or not. */
  readonly usage: UserUsage;
  /** Users of this server, in the answer or not. */
  readonly userCount: number;
  /** Those of the page that was asked for; empty where users have no names. */
  readonly users: readonly UserStatus[];
}

/** One user of a server. */
export interface UserStatus {
  /** The name in the log and the counters. */
  readonly name: string;
  /**
   * Where it comes from: the configuration, the API, or the configuration with
   * changes that were made at run time.
   */
  readonly origin: "file" | "api" | "changed" | "fleet";
  /** True if it may not connect. */
  readonly disabled: boolean;
  readonly limits: UserLimits;
  readonly usage: UserUsage;
  /** The rate now. */
  readonly rate: Rate;
}

/** Bytes a second, in both directions. */
export interface Rate {
  /** Bytes from users to targets. */
  readonly up: number;
  /** Bytes from targets to users. */
  readonly down: number;
}

/** The rate of who moves nothing. */
export const NO_RATE: Rate = { up: 0, down: 0 };
