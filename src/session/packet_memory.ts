/**
 * The sessions of clients, by name: those in use, and each of the others for as
 * long as a packet of it that was recorded may still be of now.
 *
 * Security: it forgets no session whose replay would be served. When it is full
 * of such sessions it takes no new one.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { PolicyError } from "../errors.ts";
import { MAX_PACKET_SESSIONS, SALT_POOL_MS } from "../limits.ts";

/** The sessions of one server. */
export class PacketMemory<S> {
  readonly #clock: Clock;
  readonly #capacity: number;
  readonly #inUse = new Map<string, S>();
  /** In the order in which they ended. */
  readonly #ended = new Map<string, { session: S; atMs: number }>();

  /**
   * Starts empty.
   *
   * @param clock Tells when a session may be forgotten.
   * @param capacity Sessions at once.
   */
  constructor(clock: Clock, capacity: number = MAX_PACKET_SESSIONS) {
    this.#clock = clock;
    this.#capacity = capacity;
  }

  /** Whether the session is in use. */
  inUse(name: string): boolean {
    return this.#inUse.has(name);
  }

  /** The session, in use or not yet forgotten. */
  find(name: string): S | undefined {
    return this.#inUse.get(name) ?? this.#ended.get(name)?.session;
  }

  /**
   * Puts a session to use: a new one, or one that had ended.
   *
   * @throws {PolicyError} `ERR_POLICY_LIMIT` for a new one, when there are too
   * many.
   */
  use(name: string, session: S): void {
    if (this.#inUse.has(name)) return;
    if (!this.#ended.delete(name)) this.#makeRoom();
    this.#inUse.set(name, session);
  }

  /** The session is in use no more. */
  end(name: string): void {
    const session = this.#inUse.get(name);
    if (session === undefined) return;
    this.#inUse.delete(name);
    this.#ended.set(name, { session, atMs: this.#clock.monotonicMs() });
  }

  /** Forgets what ended long ago. */
  #makeRoom(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [name, { atMs }] of this.#ended) {
      if (nowMs - atMs <= SALT_POOL_MS) break;
      this.#ended.delete(name);
    }
    if (this.#inUse.size + this.#ended.size < this.#capacity) return;
    throw new PolicyError(
      "ERR_POLICY_LIMIT",
      `Too many UDP sessions in a minute: ${this.#capacity} are remembered`,
    );
  }
}
