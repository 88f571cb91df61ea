/**
 * The sessions of clients, by name: those in use, and each of the others for as
 * long as a packet of it that was recorded may still be of now.
 *
 * Security: it forgets no session whose replay would be served. When it is full
 * of such sessions it takes no new one; so no user and, where users have no
 * names, no client network may fill it alone.
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

/** A session and whose it is. */
interface Entry<S> {
  readonly session: S;
  /** See {@link ownerOf}. */
  readonly owner: string;
  /** The time of the end, if there was one. */
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
  /** The number of sessions of each owner, in use or not. */
  readonly #counts = new Map<string, number>();

  /**
   * Starts empty.
   *
   * @param clock Decides when a session may be forgotten.
   * @param onForgotten Gets each session that is forgotten.
   * @param capacity Sessions at once.
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

  /** The session, in use or not yet forgotten. */
  find(name: string): S | undefined {
    return (this.#inUse.get(name) ?? this.#ended.get(name))?.session;
  }

  /**
   * Puts a session to use: a new one, or one that had ended.
   *
   * @param source Whose share a new one is counted in.
   * @throws {PolicyError} `ERR_POLICY_LIMIT` for a new one, when there are too
   * many.
   */
  use(name: string, session: S, source: SessionSource): void {
    if (this.#inUse.has(name)) return;
    const ended = this.#ended.get(name);
    this.#ended.delete(name);
    this.#inUse.set(name, ended ?? this.#enter(session, source));
  }

  /** The session is in use no more. */
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

/** The owner in whose share a session is counted. */
function ownerOf({ host, user }: SessionSource): string {
  return user === undefined ? `network ${networkOf(host)}` : `user ${user}`;
}
