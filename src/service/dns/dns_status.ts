/**
 * What there is to see of a DNS inbound. Plain data.
 *
 * @module
 */
import type { ErrorCode } from "../../errors.ts";

/** What became of the queries of one way, since the start. */
export interface DnsWayCounts {
  /** Queries, answered or not. */
  readonly asked: number;
  /** Answers from the cache, among these. */
  readonly cached: number;
  /** Queries without an answer, among these. */
  readonly failed: number;
  /** Why the last one failed; not set without one. */
  readonly lastErrorCode?: ErrorCode;
}

/** A resolver, and what it was asked. */
export interface DnsWayStatus extends DnsWayCounts {
  /** The name of the way in routes: `proxy`, `direct`, a server or a group. */
  readonly way: string;
  /** As on a command line. */
  readonly resolver: string;
}

/** One DNS inbound. */
export interface DnsStatus {
  /** The address on which it listens, `host:port`. */
  readonly address: string;
  /** Its resolvers; `proxy` is the first. */
  readonly ways: readonly DnsWayStatus[];
  /** Answers that are remembered. */
  readonly answers: number;
  /** Addresses whose names are remembered, for rules on names. */
  readonly names: number;
  /** Names that have a made-up address; not set where none are made up. */
  readonly madeUp?: number;
}
