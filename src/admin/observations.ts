/**
 * Counts the events of the services of this process, or of one of its workers,
 * for `Status`.
 *
 * Does not: count by user, which accounts do.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { ErrorCode } from "../errors.ts";
import type {
  FlowEnd,
  LocalRequest,
  LookupReason,
  Metrics,
} from "../observe.ts";
import {
  addBuckets,
  type DialCounts,
  DialTimes,
  percentiles,
  RecentDials,
} from "../dial_times.ts";
import type { Status } from "./operator.ts";
import { RecentCounts } from "./recent_counts.ts";
import type { RecentRequests } from "./recent_requests.ts";

/** The counts at one moment. They are plain data that a worker can send. */
export interface Observed extends
  Pick<
    Status,
    | "associations"
    | "traffic"
    | "refusals"
    | "recentRefusals"
    | "drops"
    | "lostDatagrams"
    | "routed"
    | "lookups"
    | "networkChanges"
    | "dials"
  > {
  /** TCP connections. */
  readonly connections: Omit<Status["connections"], "limit">;
  /** Successful dials of the last minute, by bucket. */
  readonly recentDials: readonly number[];
  /** The last measured difference of clocks, and its time. */
  readonly clockSkew?: { readonly seconds: number; readonly unixMs: number };
}

/** The part of `Status` that services provide. */
export type ServiceStatus =
  & Omit<Observed, "recentDials" | "clockSkew">
  & Pick<Status, "dialMs" | "clockSkewSeconds">;

/** Counts. Sums never decrease; `open` does. */
export class Observations implements Metrics {
  readonly #clock: Clock;
  readonly #lost: () => number;
  readonly #connections = { open: 0, accepted: 0 };
  readonly #associations = { open: 0, evicted: 0 };
  readonly #traffic = {
    bytesUp: 0,
    bytesDown: 0,
    packetsUp: 0,
    packetsDown: 0,
  };
  readonly #refusals = new Map<ErrorCode, number>();
  readonly #recentRefusals: RecentCounts<ErrorCode>;
  readonly #drops = new Map<ErrorCode, number>();
  readonly #routed = {
    tcp: new Map<string, number>(),
    udp: new Map<string, number>(),
  };
  readonly #lookups = new Map<LookupReason, number>();
  #networkChanges = 0;
  readonly #dialled = new DialTimes();
  readonly #dialFailed = new DialTimes();
  readonly #recentDials: RecentDials;
  readonly #requests: Pick<RecentRequests, "add"> | undefined;
  #clockSkew: Observed["clockSkew"];

  /**
   * @param clock The clock of the last minute.
   * @param lost See {@link Status.lostDatagrams}; default: unknown.
   * @param requests Receives the requests to a local; default: none are kept.
   */
  constructor(
    clock: Clock,
    lost: () => number = () => 0,
    requests?: Pick<RecentRequests, "add">,
  ) {
    this.#clock = clock;
    this.#lost = lost;
    this.#requests = requests;
    this.#recentDials = new RecentDials(clock);
    this.#recentRefusals = new RecentCounts(clock);
  }

  /** The present counts. */
  get snapshot(): Observed {
    return {
      connections: { ...this.#connections },
      associations: { ...this.#associations },
      traffic: { ...this.#traffic },
      refusals: Object.fromEntries(this.#refusals),
      recentRefusals: this.#recentRefusals.snapshot,
      drops: Object.fromEntries(this.#drops),
      lostDatagrams: this.#lost(),
      routed: {
        tcp: Object.fromEntries(this.#routed.tcp),
        udp: Object.fromEntries(this.#routed.udp),
      },
      lookups: Object.fromEntries(this.#lookups),
      networkChanges: this.#networkChanges,
      dials: {
        ok: this.#dialled.snapshot,
        failed: this.#dialFailed.snapshot,
      },
      recentDials: this.#recentDials.snapshot,
      ...this.#clockSkew && { clockSkew: this.#clockSkew },
    };
  }

  /** Implements {@link Metrics}. */
  connectionOpened(): void {
    this.#connections.open++;
    this.#connections.accepted++;
  }

  /** Implements {@link Metrics}. */
  bytesRelayed(direction: "up" | "down", bytes: number): void {
    if (direction === "up") this.#traffic.bytesUp += bytes;
    else this.#traffic.bytesDown += bytes;
  }

  /** Implements {@link Metrics}; the bytes are counted as they are relayed. */
  connectionClosed(): void {}

  /** Implements {@link Metrics}. */
  connectionReleased(): void {
    this.#connections.open--;
  }

  /** Implements {@link Metrics}. */
  connectionRefused(code: ErrorCode): void {
    this.#refusals.set(code, (this.#refusals.get(code) ?? 0) + 1);
    this.#recentRefusals.add(code);
  }

  /** Implements {@link Metrics}. */
  datagramRelayed(direction: "up" | "down", bytes: number): void {
    this.bytesRelayed(direction, bytes);
    if (direction === "up") this.#traffic.packetsUp++;
    else this.#traffic.packetsDown++;
  }

  /** Implements {@link Metrics}. */
  datagramDropped(code: ErrorCode): void {
    this.#drops.set(code, (this.#drops.get(code) ?? 0) + 1);
  }

  /** Implements {@link Metrics}. */
  flowOpened(): void {
    this.#associations.open++;
  }

  /** Implements {@link Metrics}. */
  flowClosed(reason: FlowEnd): void {
    this.#associations.open--;
    if (reason === "evicted") this.#associations.evicted++;
  }

  /** Implements {@link Metrics}. */
  routed(to: string, network: "tcp" | "udp"): void {
    const counts = this.#routed[network];
    counts.set(to, (counts.get(to) ?? 0) + 1);
  }

  /** Implements {@link Metrics}. */
  lookedUp(why: LookupReason): void {
    this.#lookups.set(why, (this.#lookups.get(why) ?? 0) + 1);
  }

  /** Implements {@link Metrics}. */
  networkChanged(): void {
    this.#networkChanges++;
  }

  /** Implements {@link Metrics}. */
  dialled(durationMs: number, ok: boolean): void {
    if (!ok) return this.#dialFailed.add(durationMs);
    this.#dialled.add(durationMs);
    this.#recentDials.add(durationMs);
  }

  /** Implements {@link Metrics}. */
  clockSkew(seconds: number): void {
    this.#clockSkew = { seconds, unixMs: this.#clock.unixMs() };
  }

  /** Implements {@link Metrics}. */
  requested(request: LocalRequest): void {
    this.#requests?.add(request);
  }
}

/** Returns the sum of several counts, at least one. */
export function sumObserved(all: readonly Observed[]): Observed {
  return all.reduce((a, b) => {
    const clockSkew = later(a.clockSkew, b.clockSkew);
    return {
      connections: addFields(a.connections, b.connections),
      associations: addFields(a.associations, b.associations),
      traffic: addFields(a.traffic, b.traffic),
      refusals: addFields(a.refusals, b.refusals),
      recentRefusals: addFields(a.recentRefusals, b.recentRefusals),
      drops: addFields(a.drops, b.drops),
      lostDatagrams: a.lostDatagrams + b.lostDatagrams,
      routed: {
        tcp: addFields(a.routed.tcp, b.routed.tcp),
        udp: addFields(a.routed.udp, b.routed.udp),
      },
      lookups: addFields(a.lookups, b.lookups),
      networkChanges: a.networkChanges + b.networkChanges,
      dials: {
        ok: addDials(a.dials.ok, b.dials.ok),
        failed: addDials(a.dials.failed, b.dials.failed),
      },
      recentDials: addBuckets(a.recentDials, b.recentDials),
      ...clockSkew && { clockSkew },
    };
  });
}

/** Returns the counts in the form of `Status`. */
export function serviceStatus(
  { recentDials, clockSkew, ...rest }: Observed,
): ServiceStatus {
  return {
    ...rest,
    dialMs: percentiles(recentDials),
    ...clockSkew && { clockSkewSeconds: clockSkew.seconds },
  };
}

/** Adds fields of the same name; a field that only one object has is kept. */
function addFields<T extends Readonly<Record<string, number>>>(
  a: T,
  b: T,
): T {
  const sum: Record<string, number> = { ...a };
  for (const [name, value] of Object.entries(b)) {
    sum[name] = (sum[name] ?? 0) + value;
  }
  return sum as T;
}

function addDials(a: DialCounts, b: DialCounts): DialCounts {
  return { counts: addBuckets(a.counts, b.counts), sumMs: a.sumMs + b.sumMs };
}

function later(
  a: Observed["clockSkew"],
  b: Observed["clockSkew"],
): Observed["clockSkew"] {
  if (a === undefined || b === undefined) return a ?? b;
  return b.unixMs > a.unixMs ? b : a;
}
