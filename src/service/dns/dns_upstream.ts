/**
 * The interface between DNS queries and the resolvers that are asked.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { DnsQuery } from "../../codec/dns_message.ts";
import type { Endpoint } from "../../transport.ts";

/** A query that is being answered. */
export interface DnsExchange {
  /** The client. */
  readonly client: Endpoint;
  /** The query. */
  readonly query: DnsQuery;
  /** The message as it was received. */
  readonly message: Uint8Array;
  /** True if the client uses TCP and accepts answers of any size. */
  readonly isStream: boolean;
}

/** A resolver and the way to it. */
export interface DnsUpstream {
  /** Datagrams lost in receive queues so far. */
  readonly overflown: number;
  /**
   * Asks the resolver.
   *
   * @param signal Its abort ends the wait.
   * @returns An answer to this query; `undefined` if the same query of the same
   * client is already pending, or too many queries are.
   * @throws {UmbraError} If there is no answer.
   */
  ask(
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined>;
  /** Ends pending queries. Idempotent. */
  stop(): void;
}
