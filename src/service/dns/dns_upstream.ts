/**
 * The seam between DNS queries and the resolvers that are asked.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { DnsQuery } from "../../codec/dns_message.ts";
import type { Endpoint } from "../../transport.ts";

/** A query on its way. */
export interface DnsExchange {
  /** The client. */
  readonly client: Endpoint;
  /** The query. */
  readonly query: DnsQuery;
  /** The message as it came. */
  readonly message: Uint8Array;
  /** True if an answer of any size can be taken: the client came over TCP. */
  readonly isStream: boolean;
}

/** A resolver, and the way to it. */
export interface DnsUpstream {
  /** Datagrams lost in receive queues so far. */
  readonly overflown: number;
  /**
   * Asks it.
   *
   * @param signal Its abort gives the wait up.
   * @returns An answer to this query; `undefined` where the same query of the
   * same client is being asked already, or there was no room to wait.
   * @throws {UmbraError} When there is none.
   */
  ask(
    exchange: DnsExchange,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined>;
  /** Ends what is under way. Idempotent. */
  stop(): void;
}
