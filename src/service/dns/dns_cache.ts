/**
 * Caches answers of the DNS inbound for as long as their TTL allows.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import {
  MAX_ANSWER_TTL_S,
  MAX_CACHED_ANSWER_LENGTH,
  MAX_CACHED_ANSWERS,
} from "../../limits.ts";
import { putNewest } from "../../recently_used.ts";

interface Entry {
  readonly answer: Uint8Array;
  readonly storedMs: number;
  readonly ttlSeconds: number;
}

/** A bounded cache; the entry that was stored first is dropped first. */
export class DnsCache {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  /** @param clock Measures the age of an answer. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Cached answers, including expired ones. */
  get size(): number {
    return this.#entries.size;
  }

  /** Returns an answer that has not expired, and its age in whole seconds. */
  get(key: string): { answer: Uint8Array; ageSeconds: number } | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const ageMs = this.#clock.monotonicMs() - entry.storedMs;
    const ageSeconds = Math.floor(ageMs / 1_000);
    if (ageSeconds < entry.ttlSeconds) {
      return { answer: entry.answer, ageSeconds };
    }
    this.#entries.delete(key);
    return undefined;
  }

  /** Drops the answers whose keys begin with this text. */
  forget(prefix: string): void {
    for (const key of this.#entries.keys()) {
      if (key.startsWith(prefix)) this.#entries.delete(key);
    }
  }

  /**
   * Caches an answer, unless it is too large together with its key.
   *
   * @param ttlSeconds 0 for an answer that must not be cached.
   */
  set(key: string, answer: Uint8Array, ttlSeconds: number): void {
    const length = key.length + answer.length;
    if (ttlSeconds === 0 || length > MAX_CACHED_ANSWER_LENGTH) return;
    const entry = {
      answer,
      storedMs: this.#clock.monotonicMs(),
      ttlSeconds: Math.min(ttlSeconds, MAX_ANSWER_TTL_S),
    };
    putNewest(this.#entries, key, entry, MAX_CACHED_ANSWERS);
  }
}
