/**
 * Asks resolvers, each by its way, and remembers what they answer.
 *
 * Ways have answers of their own: two resolvers may say different things of one
 * name, which is why there are two.
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

/** Counts of one way. */
type Counts = { -readonly [K in keyof DnsWayCounts]: DnsWayCounts[K] };

/** Resolvers by what routes call the way to them; `proxy` is among them. */
export type DnsUpstreams = ReadonlyMap<string, DnsUpstream>;

/** Bounded by its cache and by its resolvers. */
export class DnsClient {
  #upstreams: DnsUpstreams;
  readonly #cache: DnsCache;
  /** The counts of ways that were asked. */
  readonly #counts = new Map<string, Counts>();

  /** @param clock Measures the age of answers. */
  constructor(upstreams: DnsUpstreams, clock: Clock) {
    this.#upstreams = upstreams;
    this.#cache = new DnsCache(clock);
  }

  /** Answers that are remembered. */
  get answers(): number {
    return this.#cache.size;
  }

  /** The results of queries, by each way that has a resolver. */
  get counts(): readonly (readonly [way: string, counts: DnsWayCounts])[] {
    return [...this.#upstreams.keys()].map((way) =>
      [way, this.#counts.get(way) ?? NOTHING] as const
    );
  }

  /** True if there is a resolver on this way. */
  has(way: string): boolean {
    return this.#upstreams.has(way);
  }

  /**
   * The answer of a resolver, or of the past.
   *
   * @param way One that has a resolver.
   * @returns See {@link DnsUpstream.ask}.
   * @throws {UmbraError} When there is none.
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
    // Who asks in mixed case tells forgeries by it; an answer in another case
    // is for that client to judge, and not for others.
    if (answer && equalBytes(answer.question, query.question)) {
      this.#cache.set(key, bytes!, answer.ttlSeconds);
    }
    return bytes;
  }

  /** Asks others from now on; those that are not among them are stopped. */
  use(upstreams: DnsUpstreams): void {
    const before = this.#upstreams;
    this.#upstreams = upstreams;
    for (const [way, upstream] of before) {
      if (upstreams.get(way) === upstream) continue;
      upstream.stop();
      this.#counts.delete(way);
    }
  }

  /** Ends what is under way. Idempotent. */
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
