/**
 * What one user of a fleet may do on this server: its lease of the quota, its
 * part of the rate, its seats.
 *
 * Bytes are allowed or refused by arithmetic on known values. The member
 * ({@link ShareHost}) asks the source in the background.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { networkOf } from "../../codec/ip_address.ts";
import { PolicyError } from "../../errors.ts";
import type { Lease, Seat, UsageReport } from "../../fleet.ts";
import {
  FLEET_FAR_BYTES,
  FLEET_FAR_TICK_MS,
  FLEET_TICK_MS,
  FLEET_UNTOLD_BYTES,
  LEASE_IDLE_MS,
  LEASE_LENGTH_MS,
  LEASE_LOW_WATER,
  LEASE_RETRY_MS,
  LEASE_USE_PART,
  MAX_LEASE_BYTES,
  MIN_LEASE_BYTES,
  MIN_RATE_PART,
  OUTAGE_BYTES,
} from "../../limits.ts";
import type { Direction } from "../../streams/channel.ts";
import type { UserLimits } from "../../users.ts";
import type { Share, Stay } from "../server/account.ts";

/** The member, which asks the source for shares. */
export interface ShareHost {
  readonly clock: Clock;
  /** Milliseconds that the source holds a lease. */
  readonly leaseMs: number;
  /** True while the source does not answer. */
  readonly isOut: boolean;
  /** True if users may exceed their leases while the source does not answer. */
  readonly servesOut: boolean;
  /** Registers a share that has something to report; at once if `isUrgent`. */
  due(share: UserShare, isUrgent: boolean): void;
  /** Asks for a seat, and for a lease in the same call. */
  enter(share: UserShare, place: Place): Promise<void> | undefined;
  /** Gives up a seat. */
  leave(seat: Seat): void;
  /** Counts bytes that passed beyond a lease. */
  countGrace(bytes: number): void;
}

/** A place that a user is connected from. */
export interface Place {
  readonly seat: Seat;
  /** Open visits from this place. */
  visits: number;
  /** True if the source has granted the seat. */
  isSeated: boolean;
  /**
   * True if the place exceeds the limit: its visits end with their next bytes.
   */
  isRefused: boolean;
  /**
   * Settles when the source has answered; not set if no question is under way.
   */
  asking: Promise<void> | undefined;
}

/** Totals that were sent in this incarnation, and may have been counted. */
type Sent = Pick<UsageReport, "bytesUp" | "bytesDown" | "connections">;

const NOTHING_SENT: Sent = { bytesUp: 0, bytesDown: 0, connections: 0 };

/** The share of one user. */
export class UserShare implements Share {
  readonly service: string;
  readonly name: string;
  /** The places that the user is connected from, by address or network. */
  readonly places: Map<string, Place> = new Map();
  ratePart = 1;
  openElsewhere = 0;
  /** True while a report is under way. */
  isReporting = false;
  readonly #host: ShareHost;
  #limits: UserLimits = {};
  #up = 0;
  #down = 0;
  #connections = 0;
  #openTcp = 0;
  #sequence = 0;
  /** The total of bytes that the lease allows. */
  #grantedBytes = 0;
  /** The time when the lease ends, by the monotonic clock. */
  #grantedUntilMs = -Infinity;
  /**
   * The time until which the quota counts as used up, by the monotonic clock.
   */
  #scarceUntilMs = -Infinity;
  /** True if the source did not know the user at the last report. */
  #isUnknown = false;
  /** Bytes beyond the lease since the last answer of the source. */
  #graceBytes = 0;
  /** The largest number of bytes that had to wait for a lease. */
  #neededBytes = 0;
  #usedBytes = 0;
  /** Bytes left of the quota by the last answer of the source; 0 if unknown. */
  #leftBytes = 0;
  #activeNodes = 1;
  /** Payload bytes at the last report. */
  #reportedBytes = 0;
  #reportedMs: number;
  #bytesPerMs = 0;
  #sent: Sent = NOTHING_SENT;
  /** Sum of bytes and connections when the totals were last written to disk. */
  #kept = 0;
  #movedMs = -Infinity;

  /** @param host The member that asks the source. */
  constructor(service: string, name: string, host: ShareHost) {
    this.service = service;
    this.name = name;
    this.#host = host;
    this.#reportedMs = host.clock.monotonicMs();
  }

  /**
   * True if the source must get reports about the user even without traffic.
   */
  get isHeld(): boolean {
    return this.roomBytes > 0 || this.tellsOpen ||
      this.#hasSeats && this.places.size > 0;
  }

  /** The places that need seats. */
  get seated(): Place[] {
    if (!this.#hasSeats) return [];
    return [...this.places.values()].filter(({ isRefused }) => !isRefused);
  }

  /** Bytes of the lease that are not used yet. */
  get roomBytes(): number {
    return this.#isLimited
      ? Math.max(0, this.#grantedBytes - this.#movedBytes)
      : 0;
  }

  get #isLimited(): boolean {
    return this.#limits.quotaBytes !== undefined;
  }

  get #isScarce(): boolean {
    return this.#host.clock.monotonicMs() < this.#scarceUntilMs;
  }

  get #movedBytes(): number {
    return this.#up + this.#down;
  }

  /** True if the number of the user's places is limited. */
  get #hasSeats(): boolean {
    return this.#limits.maxHosts !== undefined;
  }

  limit(limits: UserLimits): void {
    const isNew = limits.quotaBytes !== this.#limits.quotaBytes;
    this.#limits = limits;
    if (!isNew) return;
    // A lease of the previous quota does not hold; a new one is requested.
    this.#grantedBytes = 0;
    this.#leftBytes = 0;
    this.#scarceUntilMs = -Infinity;
    if (this.#movedMs > -Infinity) this.#host.due(this, true);
  }

  enter(host: string, kind: "tcp" | "udp"): Stay {
    const where = networkOf(host);
    const known = this.places.get(where);
    const { maxHosts = Infinity } = this.#limits;
    if (known?.isRefused || !known && this.places.size >= maxHosts) {
      throw this.#tooManyPlaces();
    }
    const place = known ?? this.#newPlace(where);
    this.places.set(where, place);
    place.visits++;
    if (kind === "tcp") {
      this.#connections++;
      this.#openTcp++;
      this.#host.due(this, false);
    }
    const needsSeat = this.#hasSeats && !place.isSeated;
    const needsLease = this.#isLimited && !this.#mayPass(1);
    if (needsLease) this.#neededBytes = Math.max(this.#neededBytes, 1);
    if (needsSeat || needsLease) {
      place.asking ??= this.#host.enter(this, place);
    }
    return {
      settled: place.asking,
      check: () => {
        if (place.isRefused) throw this.#tooManyPlaces();
      },
      leave: () => {
        if (kind === "tcp") this.#openTcp--;
        if (--place.visits > 0) return;
        if (this.places.get(where) === place) this.places.delete(where);
        if (place.isSeated) this.#host.leave(place.seat);
      },
    };
  }

  /**
   * Takes the source's answer about a place.
   *
   * @throws {PolicyError} When the place exceeds the limit.
   */
  seat(place: Place, isAdmitted: boolean): void {
    place.isSeated = isAdmitted && this.#hasSeats;
    place.isRefused = !isAdmitted;
    if (!isAdmitted) throw this.#tooManyPlaces();
    // The last visit may have ended before the answer.
    if (place.isSeated && place.visits === 0) this.#host.leave(place.seat);
  }

  ask(bytes: number): number {
    // With 0 bytes, the caller asks if any byte may pass.
    if (!this.#isLimited || this.#mayPass(Math.max(1, bytes))) return 0;
    const isOut = this.#isUnknown || this.#host.isOut;
    const isOver = this.#isScarce && !isOut;
    if (bytes === 0 && !isOver) return 0;
    if (isOver) {
      const { quotaBytes } = this.#limits;
      throw this.#spent(`has used ${this.#usedBytes} of ${quotaBytes} bytes`);
    }
    if (!isOut) {
      this.#neededBytes = Math.max(this.#neededBytes, bytes);
      this.#host.due(this, true);
      return LEASE_RETRY_MS;
    }
    if (!this.#host.servesOut) {
      throw this.#spent("has used its lease, and the fleet does not answer");
    }
    if (this.#graceBytes + bytes > OUTAGE_BYTES) {
      throw this.#spent(
        `has used its lease and ${OUTAGE_BYTES} bytes more, and the fleet ` +
          "does not answer",
      );
    }
    return 0;
  }

  spend(direction: Direction, bytes: number): void {
    if (this.#isLimited && !this.#mayPass(bytes)) {
      this.#graceBytes += bytes;
      this.#host.countGrace(bytes);
    }
    if (direction === "up") this.#up += bytes;
    else this.#down += bytes;
    this.#movedMs = this.#host.clock.monotonicMs();
    const isLow = this.#isLimited && !this.#isScarce &&
      this.roomBytes < LEASE_LOW_WATER * this.#wantedBytes();
    this.#host.due(this, isLow);
  }

  /** True if a due report should be sent now. */
  isTimely(nowMs: number): boolean {
    if (!this.#isFar || this.#sequence === 0) return true;
    const sinceMs = nowMs - this.#reportedMs;
    const untoldBytes = this.#movedBytes - this.#reportedBytes;
    return sinceMs >= FLEET_FAR_TICK_MS || untoldBytes >= FLEET_UNTOLD_BYTES;
  }

  /** True if no limit that the nodes share is near. */
  get #isFar(): boolean {
    const { maxConnections, bytesPerSecond } = this.#limits;
    return maxConnections === undefined && bytesPerSecond === undefined &&
      this.#leftBytes > FLEET_FAR_BYTES;
  }

  /**
   * Returns the totals to write to disk; `undefined` if they have not changed.
   */
  keep(): UsageReport | undefined {
    const now = this.#movedBytes + this.#connections;
    if (now === this.#kept) return undefined;
    this.#kept = now;
    return {
      service: this.service,
      name: this.name,
      bytesUp: this.#up,
      bytesDown: this.#down,
      connections: this.#connections,
      open: this.#openTcp,
      wantBytes: 0,
      sequence: this.#sequence,
    };
  }

  /**
   * Returns the next report.
   *
   * @param isLast True if the lease is to be given back.
   */
  report(isLast = false): UsageReport {
    const nowMs = this.#host.clock.monotonicMs();
    const movedBytes = this.#movedBytes;
    const passedMs = Math.max(FLEET_TICK_MS, nowMs - this.#reportedMs);
    this.#bytesPerMs = (movedBytes - this.#reportedBytes) / passedMs;
    this.#reportedBytes = movedBytes;
    this.#reportedMs = nowMs;
    const isIdle = isLast ||
      this.#neededBytes === 0 && nowMs - this.#movedMs >= LEASE_IDLE_MS;
    // A lease that is given back must not be used any more.
    if (isIdle) this.#grantedBytes = 0;
    this.#sent = {
      bytesUp: this.#up,
      bytesDown: this.#down,
      connections: this.#connections,
    };
    return {
      service: this.service,
      name: this.name,
      ...this.#sent,
      open: this.#openTcp,
      wantBytes: !this.#isLimited || isIdle ? 0 : this.#wantedBytes(),
      sequence: ++this.#sequence,
    };
  }

  /**
   * Takes the answer to a report.
   *
   * @param report The report.
   * @param sentMs The time when the report was sent, by the monotonic clock.
   */
  take(lease: Lease, report: UsageReport, sentMs: number): void {
    const { grantedBytes, usedBytes, activeNodes, openElsewhere } = lease;
    const { bytesUp, bytesDown, wantBytes, sequence } = report;
    this.ratePart = Math.max(MIN_RATE_PART, 1 / activeNodes);
    this.openElsewhere = openElsewhere;
    this.#usedBytes = usedBytes;
    this.#leftBytes = (this.#limits.quotaBytes ?? Infinity) - usedBytes;
    this.#activeNodes = activeNodes;
    this.#graceBytes = 0;
    this.#isUnknown = false;
    // An answer to an older report does not change the lease.
    if (sequence < this.#sequence) return;
    this.#grantedBytes = wantBytes === 0 ? 0 : grantedBytes;
    this.#grantedUntilMs = sentMs + LEASE_USE_PART * this.#host.leaseMs;
    const isScarce = wantBytes > 0 &&
      grantedBytes < bytesUp + bytesDown + wantBytes;
    // Other nodes may give back unused bytes, so the next attempt may succeed.
    this.#scarceUntilMs = isScarce
      ? this.#host.clock.monotonicMs() + FLEET_TICK_MS
      : -Infinity;
    this.#neededBytes = 0;
  }

  /**
   * Takes note that the source does not know the user: the user was removed,
   * and the change will follow, or the source has lost its data.
   */
  setUnknown(): void {
    this.#isUnknown = true;
  }

  /**
   * Starts another incarnation. Totals that were sent may have been counted,
   * and are not sent again.
   */
  restart(): void {
    this.#up -= this.#sent.bytesUp;
    this.#down -= this.#sent.bytesDown;
    this.#connections -= this.#sent.connections;
    this.#sent = NOTHING_SENT;
    this.#reportedBytes = this.#movedBytes;
    this.#grantedBytes = 0;
    this.#sequence = 0;
    this.#kept = 0;
    this.#host.due(this, true);
  }

  /** True if the lease was not used for a while. */
  isIdle(nowMs: number): boolean {
    return this.roomBytes > 0 && nowMs - this.#movedMs >= LEASE_IDLE_MS;
  }

  /** True if other nodes need the number of open connections here. */
  get tellsOpen(): boolean {
    return this.#limits.maxConnections !== undefined && this.#openTcp > 0;
  }

  #newPlace(place: string): Place {
    const { service, name } = this;
    return {
      seat: { service, name, place },
      visits: 0,
      isSeated: false,
      isRefused: false,
      asking: undefined,
    };
  }

  /** True if the lease allows so many more bytes. */
  #mayPass(bytes: number): boolean {
    return this.#movedBytes + bytes <= this.#grantedBytes &&
      this.#host.clock.monotonicMs() < this.#grantedUntilMs;
  }

  /**
   * Returns the bytes to request. Leases shrink as the quota runs out, so that
   * every node gets a part of the rest.
   */
  #wantedBytes(): number {
    const wanted = Math.min(
      Math.max(this.#bytesPerMs * LEASE_LENGTH_MS, MIN_LEASE_BYTES),
      MAX_LEASE_BYTES,
    );
    const left = (this.#limits.quotaBytes ?? 0) - this.#usedBytes;
    const fair = Math.max(left / (2 * this.#activeNodes), MIN_LEASE_BYTES);
    return Math.ceil(Math.max(Math.min(wanted, fair), this.#neededBytes));
  }

  #spent(what: string): PolicyError {
    return new PolicyError(
      "ERR_POLICY_USER_QUOTA",
      `User ${this.name} ${what}`,
    );
  }

  #tooManyPlaces(): PolicyError {
    return new PolicyError(
      "ERR_POLICY_USER_HOSTS",
      `User ${this.name} is connected to the fleet from ` +
        `${this.#limits.maxHosts} addresses, which is the limit`,
    );
  }
}
