/**
 * Answers DNS queries: with the answer of the resolver that the routes choose
 * for the name, or with an answer of our own.
 *
 * A query has a name and no port, so routes that depend on a port are skipped.
 * If a route depends on the addresses of the name, the resolver behind the
 * server is asked for them. A name is therefore never sent to the local network
 * before a route allows it.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { DnsQuery } from "../../codec/dns_message.ts";
import {
  addressesIn,
  DNS_CODE,
  DNS_TYPE,
  type DnsQuestion,
  ownAnswer,
  readQuestion,
} from "../../codec/dns_records.ts";
import { FAKE_IP_TTL_S } from "../../limits.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import type { RouteQuestion } from "../../routes/question.ts";
import type { RouteTable } from "../../routes/route_table.ts";
import type { DnsClient } from "./dns_client.ts";
import type { DnsExchange } from "./dns_upstream.ts";
import type { LocalNames } from "./local_names.ts";

/** What the answers depend on. */
export interface DnsAnswersOptions {
  /** Asks resolvers. */
  readonly client: DnsClient;
  /** Records the answers that programs get. */
  readonly names: LocalNames;
  /** `host:port` of the listener, for rules on inbounds. */
  readonly inbound: string;
  /** True for names that the program itself needs to reach a server. */
  isOwn(name: string): boolean;
  /** True for names that never get a made-up address. */
  isTrue(name: string): boolean;
}

/** The route of a name, and the answer if choosing the route needed it. */
interface Chosen {
  readonly to: string;
  readonly answer?: Uint8Array;
}

/** Answers queries; see the module. */
export class DnsAnswers {
  readonly #options: DnsAnswersOptions;
  #table: RouteTable | undefined;

  /** @param table Default: all queries go through a server. */
  constructor(options: DnsAnswersOptions, table?: RouteTable) {
    this.#options = options;
    this.#table = table;
  }

  /** Replaces the routes. */
  setRoutes(table: RouteTable | undefined): void {
    this.#table = table;
  }

  /**
   * Answers a query.
   *
   * @returns See `DnsUpstream.ask`.
   * @throws {UmbraError} If there is no answer.
   */
  async answer(
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined> {
    const { query, message } = exchange;
    const { client, names } = this.#options;
    const question = readQuestion(query.question);
    const chosen = await this.#choose(question, exchange, signal);
    if (chosen === undefined) return undefined;
    if (chosen.to === "block") {
      return ownAnswer(message, query, { code: DNS_CODE.noName });
    }
    const fake = this.#fake(question, chosen.to, query, message);
    if (fake !== undefined) return fake;
    const bytes = chosen.answer ??
      await client.ask(chosen.to, exchange, signal);
    if (bytes !== undefined && isForAddress(question)) {
      names.remember(question.name!, addressesIn(bytes, query.question));
    }
    return bytes;
  }

  /**
   * Returns `undefined` if the same query of the same client is already
   * pending.
   */
  async #choose(
    question: DnsQuestion,
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Chosen | undefined> {
    const { name } = question;
    const { client, inbound, isOwn } = this.#options;
    if (name === undefined) return THROUGH_SERVER;
    if (isOwn(name) && client.has("direct")) return { to: "direct" };
    const table = this.#table;
    if (table === undefined) return THROUGH_SERVER;
    const asked: RouteQuestion = {
      name,
      port: undefined,
      network: undefined,
      source: routeAddress(exchange.client.host),
      inbound,
    };
    const decision = table.decide(asked);
    if (decision !== undefined) return decision;
    // Only addresses can decide, and queries of other types have none.
    if (!isForAddress(question)) {
      return table.decide({ ...asked, addresses: [] })!;
    }
    const answer = await client.ask("proxy", exchange, signal);
    if (answer === undefined) return undefined;
    const { addresses } = addressesIn(answer, exchange.query.question);
    const { to } = table.decide({ ...asked, addresses })!;
    return to === "proxy" ? { to, answer } : { to };
  }

  /** Returns a made-up answer for a name that is reached through a server. */
  #fake(
    { name, type }: DnsQuestion,
    to: string,
    query: DnsQuery,
    message: Uint8Array,
  ): Uint8Array | undefined {
    const { names: { fake }, isOwn, isTrue } = this.#options;
    if (fake === undefined || name === undefined || to === "direct") {
      return undefined;
    }
    if (isTrue(name) || isOwn(name)) return undefined;
    switch (type) {
      case DNS_TYPE.a:
      case DNS_TYPE.aaaa: {
        const family = type === DNS_TYPE.a ? "ipv4" : "ipv6";
        return ownAnswer(message, query, {
          addresses: [fake.addressOf(name, family)],
          ttlSeconds: FAKE_IP_TTL_S,
        });
      }
      // These records contain hints with true addresses, so they are left out.
      case DNS_TYPE.https:
      case DNS_TYPE.svcb:
        return ownAnswer(message, query, {});
      default:
        return undefined;
    }
  }
}

const THROUGH_SERVER: Chosen = { to: "proxy" };

function isForAddress({ name, type }: DnsQuestion): boolean {
  return name !== undefined &&
    (type === DNS_TYPE.a || type === DNS_TYPE.aaaa);
}
