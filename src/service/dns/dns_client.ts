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
import type { DnsExchange, DnsUpstream } from "./dns_upstream.ts";

/** Resolvers by what routes call the way to them; `proxy` is among them. */
export type DnsUpstreams = ReadonlyMap<string, DnsUpstream>;

/** Bounded by its cache and by its resolvers. */
export class DnsClient {
  #upstreams: DnsUpstreams;
  readonly #cache: DnsCache;

  /** @param clock Tells how old answers are. */
  constructor(upstreams: DnsUpstreams, clock: Clock) {
    this.#upstreams = upstreams;
    this.#cache = new DnsCache(clock);
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
    const key = `${way} ${query.key}`;
    const found = this.#cache.get(key);
    if (found !== undefined) {
      return agedAnswer(found.answer, query, found.ageSeconds);
    }
    const bytes = await this.#upstreams.get(way)!.ask(exchange, signal);
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
      if (upstreams.get(way) !== upstream) upstream.stop();
    }
  }

  /** Ends what is under way. Idempotent. */
  stop(): void {
    for (const upstream of this.#upstreams.values()) upstream.stop();
  }
}
