/**
 * The usage and the limits of one user.
 *
 * Counting and refusing are plain arithmetic for each chunk. A connection of a
 * user above its rate gets a time to wait. No connection waits for another, so
 * that one user's limit never slows other users.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { PolicyError, type PolicyErrorCode } from "../../errors.ts";
import { MAX_LISTED_HOSTS } from "../../limits.ts";
import type { Direction } from "../../streams/channel.ts";
import { Movements } from "./movements.ts";
import { Pace } from "./pace.ts";
import {
  NO_COUNTS,
  type UserCounts,
  type UserLimits,
  type UserUsage,
} from "../../users.ts";

/** A user and its limits. */
export interface LimitedUser {
  /** The name in the log. */
  readonly name: string;
  /** The limits of the user; default: none. */
  readonly limits?: UserLimits;
  /** True if the user may not connect at present. Default: false. */
  readonly disabled?: boolean;
}

/** One TCP connection or UDP association of a user. */
export interface Visit extends Disposable {
  /**
   * Resolves once the user is admitted, if other nodes must be asked; nothing
   * is relayed before. Rejects with a {@link PolicyError}. Not set if the user
   * is already admitted.
   */
  readonly settled?: Promise<void> | undefined;
  /**
   * Aborts, with a {@link PolicyError}, when the user must be disconnected; not
   * set for clients without a name.
   */
  readonly signal?: AbortSignal;
  /**
   * Counts payload before it is relayed; for UDP, one datagram.
   *
   * @returns Milliseconds to wait before relaying, so that the user's rate is
   * kept; mostly 0. A datagram for which this is not 0 is not counted and must
   * be dropped. A negative number means that nothing was counted, because a
   * lease is pending: call again after that many milliseconds.
   * @throws {PolicyError} If the payload must not be relayed:
   * `ERR_POLICY_USER_QUOTA`, `ERR_POLICY_USER_EXPIRED`.
   */
  count(direction: Direction, bytes: number): number;
}

/** The part of a fleet user's limits that this node may use. */
export interface Share {
  /** The part of the user's rate for this node; above 0, at most 1. */
  readonly ratePart: number;
  /** TCP connections that are open on other nodes. */
  readonly openElsewhere: number;
  /** Sets the limits of the user over all nodes. */
  limit(limits: UserLimits): void;
  /**
   * Reports a connection of the user. @throws {PolicyError} If the user may not
   * connect.
   */
  enter(host: string, kind: "tcp" | "udp"): Stay;
  /**
   * Checks if so many bytes may be relayed now; counts nothing.
   *
   * @returns 0 if they may; otherwise milliseconds after which to check again.
   * @throws {PolicyError} If they may not.
   */
  ask(bytes: number): number;
  /** Counts bytes that {@link Share.ask} has allowed. */
  spend(direction: Direction, bytes: number): void;
}

/** One visit, as the share records it. */
export interface Stay {
  /** See {@link Visit.settled}. */
  readonly settled?: Promise<void> | undefined;
  /** @throws {PolicyError} If the user is connected from too many places. */
  check(): void;
  /** Reports the end of the visit. */
  leave(): void;
}

const NO_LIMITS: UserLimits = {};

/** When the next byte of a user is due. */
interface Paces {
  readonly all: Pace;
  /**
   * The pace of datagrams alone. Streams also wait for datagrams, but datagrams
   * do not wait for streams: a download would otherwise cause all datagrams to
   * be dropped.
   */
  readonly packets: Pace;
}

/** Counts the usage of one user and applies its limits. */
export class Account {
  readonly #clock: Clock;
  readonly #movements: Movements;
  #user: LimitedUser;
  /**
   * The epoch in which the last change was reported; see
   * {@link Movements.epoch}.
   */
  #toldEpoch = -1;
  #counts: { -readonly [K in keyof UserCounts]: UserCounts[K] } = {
    ...NO_COUNTS,
  };
  #openTcp = 0;
  #openUdp = 0;
  /**
   * Open connections by client address; if there are none, the last addresses.
   * Not set before the first connection.
   */
  #hosts: Map<string, number> | undefined;
  /** Not set if there is no rate. */
  #paces: Paces | undefined;
  /** The bytes used when the quota was too small for the next ones. */
  #spentAt = Infinity;
  /**
   * The controller of the visits' signal; not set while there are no visits.
   */
  #presence: AbortController | undefined;
  /** Not set for a user that is not of a fleet. */
  readonly #share: Share | undefined;

  /**
   * Opens the account.
   *
   * @param clock The clock for last-seen and expiry times.
   * @param movements Receives changes of the numbers.
   * @param share The user's share of this node; default: all limits apply here.
   */
  constructor(
    user: LimitedUser,
    clock: Clock,
    movements: Movements = new Movements(),
    share?: Share,
  ) {
    this.#user = user;
    this.#clock = clock;
    this.#movements = movements;
    this.#share = share;
    share?.limit(this.#limits);
  }

  /** Replaces the limits; the connections of a disabled user end. */
  set(user: LimitedUser): void {
    if (user.limits?.bytesPerSecond !== this.#limits.bytesPerSecond) {
      // Due times of another rate are not valid any more.
      this.#paces = undefined;
    }
    if (user.limits?.quotaBytes !== this.#limits.quotaBytes) {
      this.#spentAt = Infinity;
    }
    this.#user = user;
    this.#share?.limit(this.#limits);
    if (user.disabled) this.dismiss("was disabled");
  }

  /** Ends open connections by aborting the visits' signal. */
  dismiss(why: string): void {
    if (this.#open === 0) return;
    this.#presence?.abort(dismissed(this.#name, why));
    this.#presence = undefined;
  }

  /**
   * Opens a visit.
   *
   * @param host The address of the client.
   * @param kind A TCP connection or a UDP association.
   * @throws {PolicyError} Any `ERR_POLICY_USER_…` but that of the rate.
   */
  connect(host: string, kind: "tcp" | "udp"): Visit {
    this.#admit(host, kind);
    const stay = this.#share?.enter(host, kind);
    this.#enter(host, kind);
    if (kind === "tcp") this.#counts.connections++;
    else this.#counts.associations++;
    this.#touch();
    return new AccountVisit(this, { host, kind, stay }, this.#signal);
  }

  /** Counts payload of a visit; see {@link Visit.count}. */
  count(kind: "tcp" | "udp", direction: Direction, bytes: number): number {
    return kind === "tcp"
      ? this.#count(direction, bytes)
      : this.#countPacket(direction, bytes);
  }

  /** Closes a visit. */
  leave(host: string, kind: "tcp" | "udp"): void {
    if (kind === "tcp") this.#openTcp--;
    else this.#openUdp--;
    this.#leave(host);
    if (this.#open === 0) this.#presence = undefined;
  }

  /** Returns the usage of the user, in total and now. */
  usage(): UserUsage {
    const hosts = [...this.#hosts?.keys() ?? []].slice(-MAX_LISTED_HOSTS);
    return {
      ...this.#counts,
      open: this.#open,
      hosts,
      ...this.#used >= this.#spentAt && { quotaSpent: true },
    };
  }

  /** Replaces the counts. */
  restore(counts: UserCounts): void {
    this.#counts = { ...counts };
  }

  get #name(): string {
    return this.#user.name;
  }

  get #limits(): UserLimits {
    return this.#user.limits ?? NO_LIMITS;
  }

  get #used(): number {
    return this.#counts.bytesUp + this.#counts.bytesDown;
  }

  get #open(): number {
    return this.#openTcp + this.#openUdp;
  }

  /** The signal of the user; the account of all users together has none. */
  get #signal(): AbortSignal | undefined {
    if (this.#name === "") return undefined;
    this.#presence ??= new AbortController();
    return this.#presence.signal;
  }

  #touch(): void {
    this.#counts.lastSeenUnixMs = this.#clock.unixMs();
    this.#tell();
  }

  #tell(): void {
    if (this.#toldEpoch === this.#movements.epoch) return;
    this.#toldEpoch = this.#movements.epoch;
    this.#movements.tell(this.#name);
  }

  #count(direction: Direction, bytes: number): number {
    if (bytes > 0) {
      const askAgainMs = this.#allow(bytes);
      if (askAgainMs > 0) return -askAgainMs;
      this.#share?.spend(direction, bytes);
      const counts = this.#counts;
      if (direction === "up") counts.bytesUp += bytes;
      else counts.bytesDown += bytes;
      this.#touch();
    }
    return this.#wait("all", direction, bytes);
  }

  #countPacket(direction: Direction, bytes: number): number {
    const askAgainMs = this.#allow(bytes);
    if (askAgainMs > 0) return -askAgainMs;
    const nowMs = this.#clock.monotonicMs();
    const waitMs = this.#paces?.packets.waitMs(direction, nowMs) ?? 0;
    if (waitMs > 0) return waitMs;
    this.#wait("packets", direction, bytes);
    this.#count(direction, bytes);
    if (direction === "up") this.#counts.packetsUp++;
    else this.#counts.packetsDown++;
    this.#tell();
    return 0;
  }

  /** Adds bytes to the pace of the user's rate. */
  #wait(kind: keyof Paces, direction: Direction, bytes: number): number {
    const { bytesPerSecond } = this.#limits;
    if (bytesPerSecond === undefined) return 0;
    this.#paces ??= { all: new Pace(), packets: new Pace() };
    const nowMs = this.#clock.monotonicMs();
    const own = bytesPerSecond * (this.#share?.ratePart ?? 1);
    return this.#paces[kind].add(direction, bytes, own, nowMs);
  }

  #admit(host: string, kind: "tcp" | "udp"): void {
    if (this.#user.disabled) throw dismissed(this.#name, "is disabled");
    this.#allow(0);
    const { maxConnections = Infinity, maxHosts = Infinity } = this.#limits;
    const open = kind === "tcp"
      ? this.#openTcp + (this.#share?.openElsewhere ?? 0)
      : this.#openUdp;
    if (open >= maxConnections) {
      const what = kind === "tcp" ? "connections" : "UDP associations";
      throw refusal(
        "ERR_POLICY_USER_CONNECTIONS",
        `User ${this.#name} has ${open} ${what} open, which is the limit`,
      );
    }
    const connected = this.#open > 0 ? this.#hosts : undefined;
    const hosts = connected?.size ?? 0;
    // For a user of a fleet, the share checks this over all nodes.
    if (
      this.#share === undefined && !connected?.has(host) && hosts >= maxHosts
    ) {
      throw refusal(
        "ERR_POLICY_USER_HOSTS",
        `User ${this.#name} is connected from ${hosts} addresses, ` +
          "which is the limit",
      );
    }
  }

  #enter(host: string, kind: "tcp" | "udp"): void {
    this.#hosts ??= new Map();
    // The last addresses are replaced by the present ones.
    if (this.#open === 0) this.#hosts.clear();
    this.#hosts.set(host, (this.#hosts.get(host) ?? 0) + 1);
    if (kind === "tcp") this.#openTcp++;
    else this.#openUdp++;
  }

  #leave(host: string): void {
    const others = (this.#hosts?.get(host) ?? 1) - 1;
    if (others > 0) this.#hosts?.set(host, others);
    else if (this.#open > 0) this.#hosts?.delete(host);
  }

  /**
   * Checks if so many more bytes may be relayed now.
   *
   * @returns 0 if they may; otherwise milliseconds after which to check again.
   */
  #allow(bytes: number): number {
    const { quotaBytes = Infinity, expiresUnixMs } = this.#limits;
    const used = this.#used;
    if (
      this.#share === undefined &&
      (used + bytes > quotaBytes || used === quotaBytes)
    ) {
      this.#spentAt = Math.min(this.#spentAt, used);
      throw refusal(
        "ERR_POLICY_USER_QUOTA",
        `User ${this.#name} has used ${used} of ${quotaBytes} bytes`,
      );
    }
    if (
      expiresUnixMs !== undefined && this.#clock.unixMs() >= expiresUnixMs
    ) {
      throw refusal(
        "ERR_POLICY_USER_EXPIRED",
        `User ${this.#name} has expired`,
      );
    }
    return this.#share?.ask(bytes) ?? 0;
  }
}

/** The start of a visit. */
interface Arrival {
  readonly host: string;
  readonly kind: "tcp" | "udp";
  readonly stay: Stay | undefined;
}

class AccountVisit implements Visit {
  readonly signal?: AbortSignal;
  readonly #account: Account;
  readonly #arrival: Arrival;
  #left = false;

  constructor(
    account: Account,
    arrival: Arrival,
    signal: AbortSignal | undefined,
  ) {
    this.#account = account;
    this.#arrival = arrival;
    if (signal !== undefined) this.signal = signal;
  }

  get settled(): Promise<void> | undefined {
    return this.#arrival.stay?.settled;
  }

  count(direction: Direction, bytes: number): number {
    const { kind, stay } = this.#arrival;
    stay?.check();
    return this.#account.count(kind, direction, bytes);
  }

  [Symbol.dispose](): void {
    if (this.#left) return;
    this.#left = true;
    const { host, kind, stay } = this.#arrival;
    this.#account.leave(host, kind);
    stay?.leave();
  }
}

function refusal(code: PolicyErrorCode, message: string): PolicyError {
  return new PolicyError(code, message);
}

/** Returns the error for a user that may not connect, or not any more. */
export function dismissed(name: string, why: string): PolicyError {
  return refusal("ERR_POLICY_USER_DISABLED", `User ${name} ${why}`);
}
