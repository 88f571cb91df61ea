/**
 * Asks resolvers and caches their answers.
 *
 * Each route has a cache of its own, because two resolvers may answer
 * differently for the same name.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import { equalBytes } from "../../bytes.ts";
import { agedAnswer, readDnsAnswer } from "../../codec/dns_message.ts";
import type { Clock } from "../../clock.ts";
import { DnsCache } from "./dns_cache.ts";
import { codeOf } from "../../defect.ts";
import type { DnsWayCounts } from "./dns_status.ts";
import type { DnsExchange, DnsUpstream } from "./dns_upstream.ts";

/** The counts of one route. */
type Counts = { -readonly [K in keyof DnsWayCounts]: DnsWayCounts[K] };

/** The resolver for each route name; `proxy` always has one. */
export type DnsUpstreams = ReadonlyMap<string, DnsUpstream>;

/** Asks resolvers through a common cache. */
export class DnsClient {
  #upstreams: DnsUpstreams;
  readonly #cache: DnsCache;
  /** The counts of each route that was used. */
  readonly #counts = new Map<string, Counts>();

  /** @param clock Measures the age of answers. */
  constructor(upstreams: DnsUpstreams, clock: Clock) {
    this.#upstreams = upstreams;
    this.#cache = new DnsCache(clock);
  }

  /** Cached answers. */
  get answers(): number {
    return this.#cache.size;
  }

  /** The counts of each route that has a resolver. */
  get counts(): readonly (readonly [way: string, counts: DnsWayCounts])[] {
    return [...this.#upstreams.keys()].map((way) =>
      [way, this.#counts.get(way) ?? NOTHING] as const
    );
  }

  /** True if the route has a resolver. */
  has(way: string): boolean {
    return this.#upstreams.has(way);
  }

  /**
   * Returns a cached answer, or asks the resolver.
   *
   * @param way A route that has a resolver.
   * @returns See {@link DnsUpstream.ask}.
   * @throws {UmbraError} If there is no answer.
   */
  async ask(
    way: string,
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined> {
    const { query } = exchange;
    const counts = this.#countsOf(way);
    counts.asked++;
    const key = `${way} ${query.key}`;
    const found = this.#cache.get(key);
    if (found !== undefined) {
      counts.cached++;
      return agedAnswer(found.answer, query, found.ageSeconds);
    }
    const bytes = await this.#upstreams.get(way)!.ask(exchange, signal)
      .catch((error) => {
        counts.failed++;
        counts.lastErrorCode = codeOf(error);
        throw error;
      });
    const answer = bytes && readDnsAnswer(bytes);
    // Clients that mix upper and lower case in a question detect forged answers
    // by it. An answer in another case is not cached: only its client can judge
    // it.
    if (answer && equalBytes(answer.question, query.question)) {
      this.#cache.set(key, bytes!, answer.ttlSeconds);
    }
    return bytes;
  }

  /** Replaces the resolvers; those that are not used any more are stopped. */
  use(upstreams: DnsUpstreams): void {
    const before = this.#upstreams;
    this.#upstreams = upstreams;
    for (const [way, upstream] of before) {
      if (upstreams.get(way) === upstream) continue;
      upstream.stop();
      this.#counts.delete(way);
    }
  }

  /** Drops the cached answers of a route. */
  forget(way: string): void {
    this.#cache.forget(`${way} `);
  }

  /** Ends pending queries. Idempotent. */
  stop(): void {
    for (const upstream of this.#upstreams.values()) upstream.stop();
  }

  #countsOf(way: string): Counts {
    const counts = this.#counts.get(way) ?? { ...NOTHING };
    this.#counts.set(way, counts);
    return counts;
  }
}

const NOTHING: DnsWayCounts = { asked: 0, cached: 0, failed: 0 };
