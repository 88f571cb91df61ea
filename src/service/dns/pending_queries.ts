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
  /** The query. */
  readonly query: DnsQuery;
  /** The message as it came. */
  readonly message: Uint8Array;
}

/**
 * What came of waiting: an answer; `late`, when none came in time; `undefined`,
 * when this query waits no more, or the same one waits already.
 */
export type PendingOutcome = Uint8Array | "late" | undefined;

interface Waiting extends PendingQuery {
  end(outcome: PendingOutcome): void;
}

/** Those of one resolver. */
export class PendingQueries {
  readonly #clock: Clock;
  /** The queries by client and id, the oldest first. */
  readonly #waiting = new Map<string, Waiting>();

  /** @param clock Measures the waits. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Waits for an answer. The same query once more waits no longer for it;
   * another one of that id takes its place. At the limit the oldest is
   * forgotten.
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
   * Gives an answer to the query that waits for it.
   *
   * @param message The answer as it came.
   * @returns False when none does.
   */
  settle(client: Endpoint, answer: DnsAnswer, message: Uint8Array): boolean {
    const waiting = this.#waiting.get(keyOf(client, answer.id));
    if (waiting === undefined || !answers(answer, waiting.query)) return false;
    waiting.end(message);
    return true;
  }

  /** Lets none wait any longer. */
  clear(): void {
    for (const waiting of this.#waiting.values()) waiting.end(undefined);
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
