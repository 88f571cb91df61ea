/**
 * What the DNS inbound must know of messages; an adapter provides it.
 *
 * @module
 */

/** What must be known of DNS messages; a parser provides it. */
export interface DnsMessages {
  /** `undefined` for what is no query with one question. */
  readQuery(message: Uint8Array): DnsQuery | undefined;
  /** `undefined` for what is no answer to one question. */
  readAnswer(message: Uint8Array): DnsAnswer | undefined;
  /** A copy for another query, so many seconds later. */
  agedAnswer(message: Uint8Array, id: number, seconds: number): Uint8Array;
  /** A copy without records, that sends who asks to TCP. */
  truncatedAnswer(message: Uint8Array): Uint8Array;
}

/** One query. */
export interface DnsQuery {
  /** Its answer has the same. */
  readonly id: number;
  /** The question, a space, and what else makes answers differ. */
  readonly key: string;
  /** Bytes of an answer over UDP that who asks takes. */
  readonly maxBytes: number;
}

/** One answer. */
export interface DnsAnswer {
  /** That of the query. */
  readonly id: number;
  /** The beginning of {@link DnsQuery.key}. */
  readonly question: string;
  /** Whether it has been cut. */
  readonly truncated: boolean;
  /** Seconds it may be used again; 0: not at all. */
  readonly ttlSeconds: number;
}
