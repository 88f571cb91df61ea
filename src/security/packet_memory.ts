/**
 * Remembers the UDP sessions of clients by name: those in use, and ended ones
 * as long as a recorded packet of them may still be valid.
 *
 * Security: no session is forgotten whose replay would be served. If the memory
 * is full of such sessions, new ones are refused. Therefore no single user may
 * fill it, and, where users have no names, no single client network.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { networkOf } from "../codec/ip_address.ts";
import { PolicyError } from "../errors.ts";
import {
  MAX_PACKET_SESSIONS,
  PACKET_SESSION_SHARE,
  SALT_POOL_MS,
} from "../limits.ts";

/** The sender of the first packet of a session. */
export interface SessionSource {
  /** Address of the client. */
  readonly host: string;
  /** The user; not set where users have no names. */
  readonly user?: string | undefined;
}

/** A session and its owner. */
interface Entry<S> {
  readonly session: S;
  /** See {@link ownerOf}. */
  readonly owner: string;
  /** The time when the session ended; 0 while it is in use. */
  endedMs: number;
}

/** The sessions of one server. */
export class PacketMemory<S> {
  readonly #clock: Clock;
  readonly #onForgotten: (name: string, session: S) => void;
  readonly #capacity: number;
  readonly #inUse = new Map<string, Entry<S>>();
  /** The sessions that have ended, in that order. */
  readonly #ended = new Map<string, Entry<S>>();
  /** The number of sessions of each owner, both in use and ended. */
  readonly #counts = new Map<string, number>();

  /**
   * Makes an empty memory.
   *
   * @param clock Decides when a session may be forgotten.
   * @param onForgotten Called with each session that is forgotten.
   * @param capacity The most sessions.
   */
  constructor(
    clock: Clock,
    onForgotten: (name: string, session: S) => void,
    capacity: number = MAX_PACKET_SESSIONS,
  ) {
    this.#clock = clock;
    this.#onForgotten = onForgotten;
    this.#capacity = capacity;
  }

  /** True if the session is in use. */
  inUse(name: string): boolean {
    return this.#inUse.has(name);
  }

  /** Returns a session that is in use or remembered. */
  find(name: string): S | undefined {
    return (this.#inUse.get(name) ?? this.#ended.get(name))?.session;
  }

  /**
   * Marks a new or an ended session as used.
   *
   * @param source The owner whose share includes a new session.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` for a new session, if there are
   * too many.
   */
  use(name: string, session: S, source: SessionSource): void {
    if (this.#inUse.has(name)) return;
    const ended = this.#ended.get(name);
    this.#ended.delete(name);
    this.#inUse.set(name, ended ?? this.#enter(session, source));
  }

  /** Marks a session as ended. */
  end(name: string): void {
    const entry = this.#inUse.get(name);
    if (entry === undefined) return;
    entry.endedMs = this.#clock.monotonicMs();
    this.#inUse.delete(name);
    this.#ended.set(name, entry);
  }

  /** Counts a new session, if there is room for it. */
  #enter(session: S, source: SessionSource): Entry<S> {
    this.#forgetOld();
    const owner = ownerOf(source);
    const most = Math.ceil(this.#capacity * PACKET_SESSION_SHARE);
    const isFull = this.#inUse.size + this.#ended.size >= this.#capacity;
    if (isFull || (this.#counts.get(owner) ?? 0) >= most) {
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        `Too many UDP sessions in a minute: ${this.#capacity} are remembered, ` +
          `${most} for one user or client address`,
      );
    }
    this.#count(owner, 1);
    return { session, owner, endedMs: 0 };
  }

  #forgetOld(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, entry] of this.#ended) {
      if (nowMs - entry.endedMs <= SALT_POOL_MS) break;
      this.#ended.delete(name);
      this.#count(entry.owner, -1);
      this.#onForgotten(name, entry.session);
    }
  }

  #count(owner: string, difference: number): void {
    const count = (this.#counts.get(owner) ?? 0) + difference;
    if (count === 0) this.#counts.delete(owner);
    else this.#counts.set(owner, count);
  }
}

/** Returns the owner whose share includes a session. */
function ownerOf({ host, user }: SessionSource): string {
  return user === undefined ? `network ${networkOf(host)}` : `user ${user}`;
}
