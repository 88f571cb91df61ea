/**
 * DNS queries that wait for an answer over UDP, with bounds on their number and
 * on their time.
 *
 * @module
 */
import { equalBytes } from "../../bytes.ts";
import type { Clock } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import {
  type DnsAnswer,
  type DnsQuery,
  sameQuestion,
} from "../../codec/dns_message.ts";
import { DNS_UDP_TIMEOUT_MS, MAX_PENDING_QUERIES } from "../../limits.ts";
import type { Endpoint } from "../../transport.ts";

/** A query and its client. */
export interface PendingQuery {
  /** The address of the client's socket. */
  readonly client: Endpoint;
  /** The query. */
  readonly query: DnsQuery;
  /** The message as it was received. */
  readonly message: Uint8Array;
}

/**
 * The result of waiting: an answer; `late` if none arrived in time; `undefined`
 * if the query was dropped, or the same query is already pending.
 */
export type PendingOutcome = Uint8Array | "late" | undefined;

interface Waiting extends PendingQuery {
  end(outcome: PendingOutcome): void;
}

/** The pending queries of one resolver. */
export class PendingQueries {
  readonly #clock: Clock;
  /** The queries by client and id, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();

  /** @param clock Measures the waits. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits for an answer. A repeated query does not wait; a different query with
   * the same id replaces the earlier one. At the limit, the oldest is dropped.
   */
  wait(pending: PendingQuery): Promise<PendingOutcome> {
    const key = keyOf(pending.client, pending.query.id);
    const before = this.#waiting.get(key);
    if (before && equalBytes(before.message, pending.message)) {
      return Promise.resolve(undefined);
    }
    before?.end(undefined);
    const [oldest] = this.#waiting.values();
    if (this.#waiting.size >= MAX_PENDING_QUERIES) oldest!.end(undefined);
    const { promise, resolve } = Promise.withResolvers<PendingOutcome>();
    const end = (outcome: PendingOutcome): void => {
      cancelTimer();
      this.#waiting.delete(key);
      resolve(outcome);
    };
    const cancelTimer = this.#clock.schedule(
      () => end("late"),
      DNS_UDP_TIMEOUT_MS,
    );
    this.#waiting.set(key, { ...pending, end });
    return promise;
  }

  /**
   * Passes an answer to the query that waits for it.
   *
   * @param message The answer as it was received.
   * @returns False if no query waits for it.
   */
  settle(client: Endpoint, answer: DnsAnswer, message: Uint8Array): boolean {
    const waiting = this.#waiting.get(keyOf(client, answer.id));
    if (waiting === undefined || !answers(answer, waiting.query)) return false;
    waiting.end(message);
    return true;
  }

  /** Drops all pending queries. */
  clear(): void {
    for (const waiting of this.#waiting.values()) waiting.end(undefined);
  }
}

/** True if an answer belongs to a query. */
export function answers(answer: DnsAnswer, query: DnsQuery): boolean {
  return answer.id === query.id &&
    sameQuestion(answer.question, query.question);
}

function keyOf(client: Endpoint, id: number): string {
  return `${formatAddress(client)} ${id}`;
}
