/**
 * What one user has moved, and how much more it may.
 *
 * Counting and refusing are plain arithmetic in the path of a chunk, and a user
 * over its rate is told how long to wait: nobody waits for anybody, so one
 * user's limit never slows another one.
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

/** One user's limits, by name. */
export interface LimitedUser {
  /** As in the log. */
  readonly name: string;
  /** Not set: none. */
  readonly limits?: UserLimits;
  /** Whether it may not connect at present. Default: no. */
  readonly disabled?: boolean;
}

/** One TCP connection or UDP association of a user. */
export interface Visit extends Disposable {
  /**
   * Settles once the user is admitted where others have to be asked; nothing
   * passes before. Rejects with a {@link PolicyError}. Not set: it is admitted.
   */
  readonly settled?: Promise<void> | undefined;
  /**
   * Aborted, with a {@link PolicyError}, when the user is sent away; not set
   * where there is no user who could be.
   */
  readonly signal?: AbortSignal;
  /**
   * Counts payload about to be passed on; of UDP, one datagram.
   *
   * @returns Milliseconds to wait before it is, so that the user keeps its
   * rate; mostly 0. A datagram that would have to wait is not counted: drop it.
   * Negative: nothing is counted, since it is not known yet whether it may
   * pass; ask again after so many milliseconds.
   * @throws {PolicyError} When it must not be: `ERR_POLICY_USER_QUOTA`,
   * `ERR_POLICY_USER_EXPIRED`.
   */
  count(direction: Direction, bytes: number): number;
}

/** What a user of a fleet may do here, of what it may do on all nodes. */
export interface Share {
  /** Part of the user's rate that is this server's; above 0, at most 1. */
  readonly ratePart: number;
  /** TCP connections that are open on other nodes. */
  readonly openElsewhere: number;
  /** Takes what the user is allowed on all nodes together. */
  limit(limits: UserLimits): void;
  /** The user has connected. @throws {PolicyError} When it may not. */
  enter(host: string, kind: "tcp" | "udp"): Stay;
  /**
   * Asks whether so many bytes may pass now; counts nothing.
   *
   * @returns Milliseconds after which to ask again; 0: they may.
   * @throws {PolicyError} When they must not.
   */
  ask(bytes: number): number;
  /** Counts what passes, which was asked for. */
  spend(direction: Direction, bytes: number): void;
}

/** One visit, as its share sees it. */
export interface Stay {
  /** See {@link Visit.settled}. */
  readonly settled?: Promise<void> | undefined;
  /** @throws {PolicyError} When the user turned out to be one device too many. */
  check(): void;
  /** The visit has ended. */
  leave(): void;
}

const NO_LIMITS: UserLimits = {};

/** When the next byte of a user is due. */
interface Paces {
  readonly all: Pace;
  /**
   * Of datagrams alone: they give way to each other, but streams give way to
   * them, or a download would drop every one.
   */
  readonly packets: Pace;
}

/** The account of one user. */
export class Account {
  readonly #clock: Clock;
  readonly #movements: Movements;
  #user: LimitedUser;
  /** See {@link Movements.epoch}. */
  #toldEpoch = -1;
  #counts: { -readonly [K in keyof UserCounts]: UserCounts[K] } = {
    ...NO_COUNTS,
  };
  #openTcp = 0;
  #openUdp = 0;
  /**
   * Open connections by client address; the last ones when none is. Not set
   * before the first connection.
   */
  #hosts: Map<string, number> | undefined;
  /** Not set where there is no rate. */
  #paces: Paces | undefined;
  /** Bytes used when the quota was too small for the next ones. */
  #spentAt = Infinity;
  /** Not set while there is nothing to abort. */
  #presence: AbortController | undefined;
  /** Not set for a user of this server alone. */
  readonly #share: Share | undefined;

  /**
   * Opens it.
   *
   * @param clock Tells when the user was seen, and has expired.
   * @param movements Told when its numbers change.
   * @param share What is the user's here; default: all that it is allowed.
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

  /** Takes limits as they are from now on; who is disabled is dismissed. */
  set(user: LimitedUser): void {
    if (user.limits?.bytesPerSecond !== this.#limits.bytesPerSecond) {
      // What was due at another rate is not due at this one.
      this.#paces = undefined;
    }
    if (user.limits?.quotaBytes !== this.#limits.quotaBytes) {
      this.#spentAt = Infinity;
    }
    this.#user = user;
    this.#share?.limit(this.#limits);
    if (user.disabled) this.dismiss("was disabled");
  }

  /** Ends what is open: each visit's signal is aborted. */
  dismiss(why: string): void {
    if (this.#open === 0) return;
    this.#presence?.abort(dismissed(this.#name, why));
    this.#presence = undefined;
  }

  /**
   * The user has connected.
   *
   * @param host Where from.
   * @param kind What it opened.
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

  /** Counts what a visit is about to pass on; see {@link Visit.count}. */
  count(kind: "tcp" | "udp", direction: Direction, bytes: number): number {
    return kind === "tcp"
      ? this.#count(direction, bytes)
      : this.#countPacket(direction, bytes);
  }

  /** A visit has ended. */
  leave(host: string, kind: "tcp" | "udp"): void {
    if (kind === "tcp") this.#openTcp--;
    else this.#openUdp--;
    this.#leave(host);
    if (this.#open === 0) this.#presence = undefined;
  }

  /** What it has done, and does now. */
  usage(): UserUsage {
    const hosts = [...this.#hosts?.keys() ?? []].slice(-MAX_LISTED_HOSTS);
    return {
      ...this.#counts,
      open: this.#open,
      hosts,
      ...this.#used >= this.#spentAt && { quotaSpent: true },
    };
  }

  /** Takes counts in the place of its own. */
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

  /** Of the sum of all users, whom nothing sends away, there is none. */
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

  /** Lets bytes follow those before them, at the user's rate. */
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
    // The share knows of those on other nodes as well.
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
    // Those who were here last make room for those who are here now.
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
   * Asks whether so many more bytes may pass now.
   *
   * @returns Milliseconds after which to ask again; 0: they may.
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

/** How a visit began. */
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

/** The error of a user who may not be here, or no longer. */
export function dismissed(name: string, why: string): PolicyError {
  return refusal("ERR_POLICY_USER_DISABLED", `User ${name} ${why}`);
}
