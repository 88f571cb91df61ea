/**
 * What one user of a fleet may do on this server: its lease of the quota, its
 * part of the rate, its seats.
 *
 * Everything in the path of a byte is arithmetic on what is known here. The
 * member ({@link ShareHost}) asks the source, beside it.
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

/** Who asks the source on behalf of shares. */
export interface ShareHost {
  readonly clock: Clock;
  /** Milliseconds that the source holds a lease. */
  readonly leaseMs: number;
  /** True while the source does not answer. */
  readonly isOut: boolean;
  /** True if users pass beyond their leases while it does not. */
  readonly servesOut: boolean;
  /** A share has something to report; `isUrgent`: at once. */
  due(share: UserShare, isUrgent: boolean): void;
  /** Asks for a seat, and for a lease with it. */
  enter(share: UserShare, place: Place): Promise<void> | undefined;
  /** A seat is given up. */
  leave(seat: Seat): void;
  /** Counts bytes that passed beyond a lease. */
  countGrace(bytes: number): void;
}

/** Where a user is connected from. */
export interface Place {
  readonly seat: Seat;
  /** Visits that are open from there. */
  visits: number;
  /** True if the source knows of it. */
  isSeated: boolean;
  /** True if it is one too many: its visits end with their next bytes. */
  isRefused: boolean;
  /** Settles when the source has said so; not set: no one asks. */
  asking: Promise<void> | undefined;
}

/** Totals of this incarnation that the source may have. */
type Sent = Pick<UsageReport, "bytesUp" | "bytesDown" | "connections">;

const NOTHING_SENT: Sent = { bytesUp: 0, bytesDown: 0, connections: 0 };

/** The share of one user. */
export class UserShare implements Share {
  readonly service: string;
  readonly name: string;
  /** By place. */
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
  /** Total that may be reached. */
  #grantedBytes = 0;
  /** Until when, by the monotonic clock. */
  #grantedUntilMs = -Infinity;
  /** Until when there is no more, by the monotonic clock. */
  #scarceUntilMs = -Infinity;
  /** True if the source did not know the user when it was asked last. */
  #isUnknown = false;
  /** Bytes that passed beyond the lease since the source was heard last. */
  #graceBytes = 0;
  /** Bytes that were asked for in vain, at the most. */
  #neededBytes = 0;
  #usedBytes = 0;
  /** Bytes left of the quota, as the source knows it; 0: not known. */
  #leftBytes = 0;
  #activeNodes = 1;
  /** Bytes at the last report. */
  #reportedBytes = 0;
  #reportedMs: number;
  #bytesPerMs = 0;
  #sent: Sent = NOTHING_SENT;
  /** Bytes and connections when totals were kept. */
  #kept = 0;
  #movedMs = -Infinity;

  /** @param host Asks the source. */
  constructor(service: string, name: string, host: ShareHost) {
    this.service = service;
    this.name = name;
    this.#host = host;
    this.#reportedMs = host.clock.monotonicMs();
  }

  /** True if the source has to hear of it from time to time. */
  get isHeld(): boolean {
    return this.roomBytes > 0 || this.tellsOpen ||
      this.#hasSeats && this.places.size > 0;
  }

  /** Places that need seats. */
  get seated(): Place[] {
    if (!this.#hasSeats) return [];
    return [...this.places.values()].filter(({ isRefused }) => !isRefused);
  }

  /** Bytes of the lease that have not passed. */
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

  /** True if the user is limited in its places. */
  get #hasSeats(): boolean {
    return this.#limits.maxHosts !== undefined;
  }

  limit(limits: UserLimits): void {
    const isNew = limits.quotaBytes !== this.#limits.quotaBytes;
    this.#limits = limits;
    if (!isNew) return;
    // What was granted of another quota is asked for again.
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
   * Takes what the source says of a place.
   *
   * @throws {PolicyError} When it is one too many.
   */
  seat(place: Place, isAdmitted: boolean): void {
    place.isSeated = isAdmitted && this.#hasSeats;
    place.isRefused = !isAdmitted;
    if (!isAdmitted) throw this.#tooManyPlaces();
    // The last visit may have ended meanwhile.
    if (place.isSeated && place.visits === 0) this.#host.leave(place.seat);
  }

  ask(bytes: number): number {
    // To ask for none is to ask whether any may.
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

  /** True if it is time for a report of what is due. */
  isTimely(nowMs: number): boolean {
    if (!this.#isFar || this.#sequence === 0) return true;
    const sinceMs = nowMs - this.#reportedMs;
    const untoldBytes = this.#movedBytes - this.#reportedBytes;
    return sinceMs >= FLEET_FAR_TICK_MS || untoldBytes >= FLEET_UNTOLD_BYTES;
  }

  /** True if no bound that nodes keep together is near. */
  get #isFar(): boolean {
    const { maxConnections, bytesPerSecond } = this.#limits;
    return maxConnections === undefined && bytesPerSecond === undefined &&
      this.#leftBytes > FLEET_FAR_BYTES;
  }

  /** Totals to be kept on disk; `undefined` if those that are kept are these. */
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
   * What is to be reported now.
   *
   * @param isLast True if the lease is given back.
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
    // Nothing may pass on what is given back.
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
   * Takes an answer.
   *
   * @param report What it answers.
   * @param sentMs When that was sent, by the monotonic clock.
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
    // Of two answers that crossed, the later one holds.
    if (sequence < this.#sequence) return;
    this.#grantedBytes = wantBytes === 0 ? 0 : grantedBytes;
    this.#grantedUntilMs = sentMs + LEASE_USE_PART * this.#host.leaseMs;
    const isScarce = wantBytes > 0 &&
      grantedBytes < bytesUp + bytesDown + wantBytes;
    // Others may give back what they do not use.
    this.#scarceUntilMs = isScarce
      ? this.#host.clock.monotonicMs() + FLEET_TICK_MS
      : -Infinity;
    this.#neededBytes = 0;
  }

  /**
   * The source does not know the user: it was removed, of which the change will
   * tell, or the source has lost it.
   */
  setUnknown(): void {
    this.#isUnknown = true;
  }

  /**
   * Another incarnation begins. What was sent may have been counted: it is not
   * sent again.
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

  /** True if a lease is held of which nothing was used for a while. */
  isIdle(nowMs: number): boolean {
    return this.roomBytes > 0 && nowMs - this.#movedMs >= LEASE_IDLE_MS;
  }

  /** True if other nodes must know how many connections are open here. */
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

  /** True if so many bytes are within the lease. */
  #mayPass(bytes: number): boolean {
    return this.#movedBytes + bytes <= this.#grantedBytes &&
      this.#host.clock.monotonicMs() < this.#grantedUntilMs;
  }

  /** A lease shrinks towards the end of the quota, which is dealt out finely. */
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
