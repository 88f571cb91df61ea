/**
 * Memories of salts: a request that was recorded and is sent again must not be
 * served again.
 *
 * Both keep two generations of at most {@link SALT_GENERATION} salts, in memory
 * that the threads of a program share: what one has served, none serves again.
 * What is remembered is never missed; a salt is taken for another one with a
 * probability of at most 2^-45.
 *
 * Looking up and inserting is one step without a wait in between, so that of
 * two copies that arrive together one at most is served.
 *
 * Source: SIP022 §3.1.4; for 2017, which has no time stamps, the two filters
 * in turns of shadowsocks-libev.
 *
 * @module
 */
import { type Clock, unixMsAt } from "../clock.ts";
import type { ReplayMemoryKind } from "../crypto/family.ts";
import { CLOCK_SLEW, SALT_GENERATION, SALT_POOL_MS } from "../limits.ts";
import { SaltTable } from "./salt_table.ts";

/** A memory of salts. */
export interface ReplayFilter {
  /**
   * True if a request of that time stamp, had it come before, would still be
   * remembered; seconds since 1970.
   */
  remembers(stampSeconds: number): boolean;
  /**
   * Records a salt, in the same step as it looks it up.
   *
   * @param salt Of an authenticated request; borrowed until the answer.
   * @param stampSeconds Its time stamp, where it has one.
   * @returns `false` when it has been seen, or cannot be remembered. A memory
   * that others share over a network answers later; until then, and if it
   * fails, the request must not be served.
   */
  add(salt: Uint8Array, stampSeconds?: number): boolean | Promise<boolean>;
  /**
   * Records a salt of our own, so that what we sent is not served when it is
   * sent back to us.
   *
   * @param salt Borrowed.
   */
  remember(salt: Uint8Array): void;
}

/** The tables that the threads of a program share. */
export type SharedSalts = Readonly<Record<ReplayMemoryKind, ArrayBufferLike>>;

/** Memory for salts of both kinds, to be handed to every thread. */
export function shareSalts(): SharedSalts {
  const make = (): ArrayBufferLike =>
    SaltTable.make(SALT_GENERATION, true).memory;
  return { recent: make(), minute: make() };
}

/**
 * A filter that has seen nothing, or what other threads have seen.
 *
 * @param memory What other threads use too; default: memory of its own.
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

/** One filter of each kind, for all servers of a thread. */
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
 * For the 2022 edition: every salt for as long as its time stamp may be good,
 * 61 s, and for longer while there is room. When it is full of younger ones it
 * refuses: forgetting a salt whose time stamp is still good would serve its
 * replay.
 *
 * No moment of the wall clock is kept, since that may be set. Times are of the
 * monotonic clock of this thread, which threads do not have in common: each
 * counts from when it first saw a generation, which is never too early. What
 * was forgotten is known by its newest time stamp. See decision 0062.
 */
export class SaltPool implements ReplayFilter {
  readonly #clock: Clock;
  readonly #table: SaltTable;
  /** The start on the monotonic clock. */
  readonly #startMs: number;
  /** The generation that this thread saw last, and since when it has. */
  #young: number;
  #youngSinceMs: number;

  /**
   * Uses a table, which others may use too.
   *
   * @param clock Measures the age of a generation, and has the time of the start.
   * @param table Where salts are kept.
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
      // What is forgotten came before this generation.
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
 * The second of a start, by the wall clock as it is set now: an honest time
 * stamp is never before it, and that of a recording from before the start is,
 * whatever the wall clock was then. Allows for the drift of both clocks since
 * the start, and for a wall clock that is read in whole milliseconds; for no
 * more, since a client may come a few milliseconds after the start.
 *
 * @param startMs What `monotonicMs()` was at the start.
 */
export function secondOfStart(clock: Clock, startMs: number): number {
  const sinceMs = clock.monotonicMs() - startMs;
  const errorMs = 1 + CLOCK_SLEW * sinceMs;
  return Math.floor((unixMsAt(clock, startMs) + errorMs) / 1_000);
}

/**
 * For AEAD 2017, where a recording stays good for ever: the last salts, one to
 * two generations of them. What is older, or from before the start, is not
 * remembered.
 */
export class RecentSalts implements ReplayFilter {
  readonly #table: SaltTable;

  /**
   * Uses a table, which others may use too.
   *
   * @param table Where salts are kept.
   */
  constructor(table: SaltTable) {
    this.#table = table;
  }

  /** See {@link ReplayFilter.remembers}: requests of 2017 have no time stamp. */
  remembers(): boolean {
    return true;
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    const { young } = this.#table;
    if (this.#table.isFull(young)) {
      // Replays must not push out what they are replays of.
      if (this.#table.has(salt)) return false;
      this.#table.turn(young);
    }
    return this.#table.add(salt);
  }

  /** See {@link ReplayFilter.remember}. */
  remember(salt: Uint8Array): void {
    this.add(salt);
  }

  /** True if the salt has been seen and is remembered; records nothing. */
  has(salt: Uint8Array): boolean {
    return this.#table.has(salt);
  }
}
