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
import type { Clock } from "../clock.ts";
import type { ReplayMemoryKind } from "../crypto/family.ts";
import { SALT_GENERATION, SALT_POOL_MS } from "../limits.ts";
import { SaltTable } from "./salt_table.ts";

/** A memory of salts. */
export interface ReplayFilter {
  /** It has seen every salt since then; milliseconds since 1970. */
  readonly sinceUnixMs: number;
  /**
   * Records a salt, in the same step as it looks it up.
   *
   * @param salt Of an authenticated request; borrowed until the answer.
   * @returns `false` when it has been seen, or cannot be remembered. A memory
   * that others share over a network answers later; until then, and if it
   * fails, the request must not be served.
   */
  add(salt: Uint8Array): boolean | Promise<boolean>;
  /**
   * Records a salt of our own, so that what we sent is not served when it is
   * sent back to us.
   *
   * @param salt Borrowed.
   */
  remember(salt: Uint8Array): void;
}

/** What the threads of a program share. */
export type SharedSalts = Readonly<Record<ReplayMemoryKind, ArrayBufferLike>>;

/** Memory for salts of both kinds, to be handed to every thread. */
export function shareSalts(clock: Clock): SharedSalts {
  const make = (): ArrayBufferLike =>
    SaltTable.make(SALT_GENERATION, clock.unixMs(), true).memory;
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
): ReplayFilter {
  const table = memory === undefined
    ? SaltTable.make(SALT_GENERATION, clock.unixMs(), false)
    : new SaltTable(memory);
  return kind === "minute"
    ? new SaltPool(clock, table)
    : new RecentSalts(clock, table);
}

/** One filter of each kind, for all servers of a thread. */
export function sharedReplayFilters(
  clock: Clock,
  salts?: SharedSalts,
): (kind: ReplayMemoryKind) => ReplayFilter {
  const filters = new Map<ReplayMemoryKind, ReplayFilter>();
  return (kind) => {
    const filter = filters.get(kind) ??
      replayFilterFor(kind, clock, salts?.[kind]);
    filters.set(kind, filter);
    return filter;
  };
}

/** How far back a clock may go before it was set: threads read it in turns. */
const CLOCK_STEP_MS = 1_000;

/**
 * For the 2022 edition: every salt for as long as its time stamp may be good,
 * 61 s. When full it refuses: forgetting a salt whose time stamp is still good
 * would serve its replay.
 */
export class SaltPool implements ReplayFilter {
  readonly #clock: Clock;
  readonly #table: SaltTable;

  /**
   * Uses a table, which others may use too.
   *
   * @param clock Tells when a generation is old.
   * @param table Where salts are kept.
   */
  constructor(clock: Clock, table: SaltTable) {
    this.#clock = clock;
    this.#table = table;
  }

  /** See {@link ReplayFilter.sinceUnixMs}. */
  get sinceUnixMs(): number {
    return this.#table.sinceUnixMs;
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    const young = this.#table.young;
    const ageMs = this.#clock.unixMs() - young.bornUnixMs;
    // A generation rests for a whole pool time before it is forgotten.
    if (ageMs > SALT_POOL_MS || ageMs < -CLOCK_STEP_MS) {
      this.#table.turn(young, this.#clock.unixMs());
      if (ageMs > 2 * SALT_POOL_MS) {
        this.#table.turn(this.#table.young, this.#clock.unixMs());
      }
    }
    return !this.#table.isFull(this.#table.young) && this.#table.add(salt);
  }

  /** See {@link ReplayFilter.remember}. */
  remember(salt: Uint8Array): void {
    this.add(salt);
  }
}

/**
 * For AEAD 2017, where a recording stays good for ever: the last salts, one to
 * two generations of them. What is older, or from before the start, is not
 * remembered.
 */
export class RecentSalts implements ReplayFilter {
  readonly #clock: Clock;
  readonly #table: SaltTable;

  /**
   * Uses a table, which others may use too.
   *
   * @param clock Names generations.
   * @param table Where salts are kept.
   */
  constructor(clock: Clock, table: SaltTable) {
    this.#clock = clock;
    this.#table = table;
  }

  /** See {@link ReplayFilter.sinceUnixMs}. */
  get sinceUnixMs(): number {
    return this.#table.sinceUnixMs;
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    const young = this.#table.young;
    if (this.#table.isFull(young)) {
      // Replays must not push out what they are replays of.
      if (this.#table.has(salt)) return false;
      this.#table.turn(young, this.#clock.unixMs());
    }
    return this.#table.add(salt);
  }

  /** See {@link ReplayFilter.remember}. */
  remember(salt: Uint8Array): void {
    this.add(salt);
  }
}
