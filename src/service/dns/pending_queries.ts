/**
 * DNS queries that wait for an answer over UDP: so many at once, each for so
 * long.
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

/** A query, and who has asked it. */
export interface PendingQuery {
  /** The program's socket. */
  readonly client: Endpoint;
  /** As read. */
  readonly query: DnsQuery;
  /** As it came. */
  readonly message: Uint8Array;
}

interface Waiting extends PendingQuery {
  cancelTimer(): void;
}

/** Those of one inbound. */
export class PendingQueries {
  readonly #clock: Clock;
  readonly #onTimeout: (pending: PendingQuery) => void;
  /** By client and id, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();

  /** @param onTimeout Gets what waited in vain. */
  constructor(clock: Clock, onTimeout: (pending: PendingQuery) => void) {
    this.#clock = clock;
    this.#onTimeout = onTimeout;
  }

  /**
   * The same query once more waits no longer for it; another one of that id
   * takes its place. At the limit the oldest is forgotten.
   */
  add(pending: PendingQuery): void {
    const key = keyOf(pending.client, pending.query.id);
    const before = this.#waiting.get(key);
    if (before && equalBytes(before.message, pending.message)) return;
    this.#forget(key);
    const [oldest] = this.#waiting.keys();
    if (this.#waiting.size >= MAX_PENDING_QUERIES) this.#forget(oldest!);
    const cancelTimer = this.#clock.schedule(() => {
      this.#waiting.delete(key);
      this.#onTimeout(pending);
    }, DNS_UDP_TIMEOUT_MS);
    this.#waiting.set(key, { ...pending, cancelTimer });
  }

  /** The query of this answer, which then waits no more. */
  take(client: Endpoint, answer: DnsAnswer): PendingQuery | undefined {
    const key = keyOf(client, answer.id);
    const waiting = this.#waiting.get(key);
    if (waiting === undefined || !answers(answer, waiting.query)) {
      return undefined;
    }
    this.#forget(key);
    return waiting;
  }

  /** Forgets them all. */
  clear(): void {
    for (const key of this.#waiting.keys()) this.#forget(key);
  }

  #forget(key: string): void {
    this.#waiting.get(key)?.cancelTimer();
    this.#waiting.delete(key);
  }
}

/** True if an answer is one to this query. */
export function answers(answer: DnsAnswer, query: DnsQuery): boolean {
  return answer.id === query.id &&
    sameQuestion(answer.question, query.question);
}

function keyOf(client: Endpoint, id: number): string {
  return `${formatAddress(client)} ${id}`;
}
