/**
 * The highest packet ids of UDP sessions that {@link PacketMemory} has
 * forgotten. A packet with a higher id is no replay, whatever the clock is, so
 * its session may continue.
 *
 * At the limit, the oldest entries are dropped; only their newest time stamp is
 * kept: see decision 0062.
 *
 * @module
 */
import { MAX_PACKET_SESSIONS } from "../limits.ts";

/** The last state of a session. */
export interface SessionEnd {
  /** The highest packet id that was seen. */
  readonly lastId: bigint;
  /** The newest time stamp that was seen; seconds since 1970. */
  readonly lastStampSeconds: number;
}

/** Ends of sessions, by the session's name. */
export class PastSessions {
  readonly #capacity: number;
  /** The ends of sessions, in the order in which they were forgotten. */
  readonly #ends = new Map<string, SessionEnd>();
  #forgottenSeconds = 0;

  /** @param capacity The most ends; about 150 bytes each. */
  constructor(capacity: number = MAX_PACKET_SESSIONS) {
    this.#capacity = capacity;
  }

  /**
   * The newest time stamp of dropped entries, in seconds since 1970; 0 if there
   * are none.
   */
  get forgottenSeconds(): number {
    return this.#forgottenSeconds;
  }

  /** Returns the highest packet id of a session; -1 if it is not known. */
  lastId(name: string): bigint {
    return this.#ends.get(name)?.lastId ?? -1n;
  }

  /** Keeps the end of a session. */
  add(name: string, end: SessionEnd): void {
    this.#ends.delete(name);
    this.#ends.set(name, end);
    if (this.#ends.size <= this.#capacity) return;
    const [oldest, { lastStampSeconds }] = this.#ends.entries().next().value!;
    this.#ends.delete(oldest);
    this.#forgottenSeconds = Math.max(this.#forgottenSeconds, lastStampSeconds);
  }
}
