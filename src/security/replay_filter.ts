/**
 * Remembers salts, so that a recorded request is not served again.
 *
 * There are two kinds. Both keep two generations of at most
 * {@link SALT_GENERATION} salts, in memory that all threads of a program share,
 * so that no thread serves what another one has served. A remembered salt is
 * always found; a new salt is mistaken for a remembered one with a probability
 * of at most 2^-45.
 *
 * Look-up and insertion are one step without a wait, so that of two copies that
 * arrive together at most one is served.
 *
 * Source: SIP022 §3.1.4; for 2017, which has no time stamps, the two
 * alternating filters of shadowsocks-libev.
 *
 * @module
 */
import { type Clock, unixMsAt } from "../clock.ts";
import type { ReplayMemoryKind } from "../crypto/family.ts";
import { CLOCK_SLEW, SALT_GENERATION, SALT_POOL_MS } from "../limits.ts";
import { SaltTable } from "./salt_table.ts";

/** Remembers salts. */
export interface ReplayFilter {
  /**
   * True if an earlier request with that time stamp, in seconds since 1970,
   * would still be remembered.
   */
  remembers(stampSeconds: number): boolean;
  /**
   * Checks and records a salt in one step.
   *
   * @param salt The salt of an authenticated request; borrowed until the
   * answer.
   * @param stampSeconds The request's time stamp, if it has one.
   * @returns `false` if it was seen, or cannot be remembered. A filter that is
   * shared over a network answers later. Until then, and if it fails, the
   * request must not be served.
   */
  add(salt: Uint8Array, stampSeconds?: number): boolean | Promise<boolean>;
  /**
   * Records a salt of our own, so that a message we sent is not served when it
   * is sent back.
   *
   * @param salt Borrowed.
   */
  remember(salt: Uint8Array): void;
}

/** The salts that the threads of a program share. */
export type SharedSalts = Readonly<Record<ReplayMemoryKind, ArrayBufferLike>>;

/**
 * Allocates memory for salts of both kinds, which is passed to every thread.
 */
export function shareSalts(): SharedSalts {
  const make = (): ArrayBufferLike =>
    SaltTable.make(SALT_GENERATION, true).memory;
  return { recent: make(), minute: make() };
}

/**
 * Makes a filter.
 *
 * @param memory The memory that is shared with other threads; default: memory
 * of its own.
 */
export function replayFilterFor(
  kind: ReplayMemoryKind,
  clock: Clock,
  memory?: ArrayBufferLike,
): SaltPool | RecentSalts {
  const table = memory === undefined
    ? SaltTable.make(SALT_GENERATION, false)
    : new SaltTable(memory);
  return kind === "minute"
    ? new SaltPool(clock, table)
    : new RecentSalts(table);
}

/** Makes one filter of each kind for all servers of a thread. */
export function sharedReplayFilters(
  clock: Clock,
  salts?: SharedSalts,
): (kind: ReplayMemoryKind) => SaltPool | RecentSalts {
  const filters = new Map<ReplayMemoryKind, SaltPool | RecentSalts>();
  return (kind) => {
    const filter = filters.get(kind) ??
      replayFilterFor(kind, clock, salts?.[kind]);
    filters.set(kind, filter);
    return filter;
  };
}

/**
 * The filter for the 2022 edition. It remembers every salt as long as its time
 * stamp may be valid, 61 s, and longer while there is room. If it is full of
 * younger salts, it refuses requests: forgetting a salt with a valid time stamp
 * would allow its replay.
 *
 * No wall-clock time is kept, since the clock may be set. Ages are measured by
 * the monotonic clock of each thread, from when the thread first saw a
 * generation, which is never too early. Forgotten salts are known by their
 * newest time stamp. See decision 0062.
 */
export class SaltPool implements ReplayFilter {
  readonly #clock: Clock;
  readonly #table: SaltTable;
  /** The start on the monotonic clock. */
  readonly #startMs: number;
  /**
   * The generation that this thread saw last, and the time when it first did.
   */
  #young: number;
  #youngSinceMs: number;

  /**
   * Makes a filter on a table, which may be shared.
   *
   * @param clock Measures the age of a generation and the time since the start.
   * @param table Stores the salts.
   */
  constructor(clock: Clock, table: SaltTable) {
    this.#clock = clock;
    this.#table = table;
    this.#startMs = this.#youngSinceMs = clock.monotonicMs();
    this.#young = table.young;
  }

  /** See {@link ReplayFilter.remembers}. */
  remembers(stampSeconds: number): boolean {
    return stampSeconds > this.#table.forgottenSeconds &&
      stampSeconds >= secondOfStart(this.#clock, this.#startMs);
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array, stampSeconds = 0): boolean {
    const table = this.#table;
    this.#look();
    if (table.isFull(this.#young)) {
      const ageMs = this.#clock.monotonicMs() - this.#youngSinceMs;
      // All salts that are forgotten are older than this generation.
      if (ageMs <= SALT_POOL_MS || table.has(salt)) return false;
      table.turn(this.#young);
      this.#look();
      if (table.isFull(this.#young)) return false;
    }
    // Another thread may have turned the generations after `remembers()`.
    return table.add(salt, stampSeconds) &&
      (stampSeconds === 0 || stampSeconds > table.forgottenSeconds);
  }

  /** See {@link ReplayFilter.remember}. */
  remember(salt: Uint8Array): void {
    this.add(salt);
  }

  #look(): void {
    const { young } = this.#table;
    if (young === this.#young) return;
    this.#young = young;
    this.#youngSinceMs = this.#clock.monotonicMs();
  }
}

/**
 * Returns the second of a start, by the wall clock as it is set now. The time
 * stamp of an honest request is never before it. The stamp of a recording from
 * before the start always is, whatever the wall clock was then. The result
 * allows for the drift of both clocks since the start and for a wall clock in
 * whole milliseconds. It allows for no more, because a client may connect a few
 * milliseconds after the start.
 *
 * @param startMs The value of `monotonicMs()` at the start.
 */
export function secondOfStart(clock: Clock, startMs: number): number {
  const sinceMs = clock.monotonicMs() - startMs;
  const errorMs = 1 + CLOCK_SLEW * sinceMs;
  return Math.floor((unixMsAt(clock, startMs) + errorMs) / 1_000);
}

/**
 * The filter for AEAD 2017, whose recordings never expire. It remembers the
 * last salts, between one and two generations. Older salts, and those from
 * before the start, are not remembered.
 */
export class RecentSalts implements ReplayFilter {
  readonly #table: SaltTable;

  /**
   * Makes a filter on a table, which may be shared.
   *
   * @param table Stores the salts.
   */
  constructor(table: SaltTable) {
    this.#table = table;
  }

  /**
   * See {@link ReplayFilter.remembers}: requests of 2017 have no time stamps.
   */
  remembers(): boolean {
    return true;
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    const { young } = this.#table;
    if (this.#table.isFull(young)) {
      // A replay must not cause its original to be forgotten.
      if (this.#table.has(salt)) return false;
      this.#table.turn(young);
    }
    return this.#table.add(salt);
  }

  /** See {@link ReplayFilter.remember}. */
  remember(salt: Uint8Array): void {
    this.add(salt);
  }

  /** True if the salt is remembered; records nothing. */
  has(salt: Uint8Array): boolean {
    return this.#table.has(salt);
  }
}
