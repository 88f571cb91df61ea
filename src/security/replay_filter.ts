/**
 * Memories of salts: a request that was recorded and is sent again must not be
 * served again.
 *
 * Both are exact sets in two generations: no request is refused by mistake
 * (error probability 0), and what is remembered is never missed. A memory
 * holds at most two generations of {@link SALT_GENERATION} salts, about 50 MB;
 * nothing is reserved in advance.
 *
 * Looking up and inserting is one step without a wait in between, so that of
 * two copies that arrive together one is refused.
 *
 * Source: SIP022 §3.1.4; for 2017, which has no time stamps, the two filters
 * in turns of shadowsocks-libev.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import type { Edition } from "../crypto/method.ts";
import { SALT_GENERATION, SALT_POOL_MS } from "../limits.ts";

/** A memory of salts. */
export interface ReplayFilter {
  /** It has seen every salt since then; milliseconds since 1970. */
  readonly sinceUnixMs: number;
  /**
   * Records a salt.
   *
   * @param salt Of an authenticated request; borrowed.
   * @returns `false` when it has been seen, or cannot be remembered.
   */
  add(salt: Uint8Array): boolean;
}

/** The memory that fits an edition. */
export function replayFilterFor(edition: Edition, clock: Clock): ReplayFilter {
  return edition === 2022 ? new SaltPool(clock) : new RecentSalts(clock);
}

/** One memory for each edition, for all servers of a process. */
export function sharedReplayFilters(
  clock: Clock,
): (edition: Edition) => ReplayFilter {
  const filters = new Map<Edition, ReplayFilter>();
  return (edition) => {
    const filter = filters.get(edition) ?? replayFilterFor(edition, clock);
    filters.set(edition, filter);
    return filter;
  };
}

/**
 * For the 2022 edition: every salt for as long as its time stamp
 * may be good, 61 s. When full it refuses:
 * forgetting a salt whose time stamp is still good would serve its replay.
 */
export class SaltPool implements ReplayFilter {
  readonly sinceUnixMs: number;
  readonly #clock: Clock;
  readonly #capacity: number;
  #young = new Set<string>();
  #old = new Set<string>();
  #bornMs: number;

  /**
   * Starts empty.
   *
   * @param clock Tells when a generation is old.
   * @param capacity Salts in one generation.
   */
  constructor(clock: Clock, capacity: number = SALT_GENERATION) {
    this.#clock = clock;
    this.#capacity = capacity;
    this.sinceUnixMs = clock.unixMs();
    this.#bornMs = clock.monotonicMs();
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    this.#age();
    const key = String.fromCharCode(...salt);
    if (this.#young.has(key) || this.#old.has(key)) return false;
    if (this.#young.size >= this.#capacity) return false;
    this.#young.add(key);
    return true;
  }

  /** A generation rests for a whole pool time before it is forgotten. */
  #age(): void {
    const nowMs = this.#clock.monotonicMs();
    const ageMs = nowMs - this.#bornMs;
    if (ageMs <= SALT_POOL_MS) return;
    this.#old = ageMs <= 2 * SALT_POOL_MS ? this.#young : new Set();
    this.#young = new Set();
    this.#bornMs = nowMs;
  }
}

/**
 * For AEAD 2017, where a recording stays good for ever: the last salts, one to
 * two generations of them. What is older, or from before the start, is not
 * remembered.
 */
export class RecentSalts implements ReplayFilter {
  readonly sinceUnixMs: number;
  readonly #capacity: number;
  #young = new Set<string>();
  #old = new Set<string>();

  /**
   * Starts empty.
   *
   * @param clock Tells when that was.
   * @param capacity Salts in one generation.
   */
  constructor(clock: Clock, capacity: number = SALT_GENERATION) {
    this.#capacity = capacity;
    this.sinceUnixMs = clock.unixMs();
  }

  /** See {@link ReplayFilter.add}. */
  add(salt: Uint8Array): boolean {
    const key = String.fromCharCode(...salt);
    if (this.#young.has(key) || this.#old.has(key)) return false;
    if (this.#young.size >= this.#capacity) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    this.#young.add(key);
    return true;
  }
}
