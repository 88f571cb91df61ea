/**
 * The status of a DNS inbound. Plain data.
 *
 * @module
 */
import type { ErrorCode } from "../../errors.ts";

/** The results of the queries of one route since the start. */
export interface DnsWayCounts {
  /** Queries, answered or not. */
  readonly asked: number;
  /** Those queries that were answered from the cache. */
  readonly cached: number;
  /** Those queries that got no answer. */
  readonly failed: number;
  /** The code of the last failure; not set if there was none. */
  readonly lastErrorCode?: ErrorCode;
}

/** A resolver and the results of its queries. */
export interface DnsWayStatus extends DnsWayCounts {
  /** The name of the route: `proxy`, `direct`, a server or a group. */
  readonly way: string;
  /** The resolver, in the syntax of the command line. */
  readonly resolver: string;
}

/** The status of one DNS inbound. */
export interface DnsStatus {
  /** The address that it listens on, as `host:port`. */
  readonly address: string;
  /** Its resolvers; `proxy` comes first. */
  readonly ways: readonly DnsWayStatus[];
  /** Cached answers. */
  readonly answers: number;
  /** Addresses whose names are recorded, for rules on names. */
  readonly names: number;
  /** Names that have a made-up address; not set if none are made up. */
  readonly madeUp?: number;
}
