/**
 * Unauthenticated connections ("strangers"). If too many of them are open, the
 * oldest is closed.
 *
 * Only their age counts. If the choice depended on what they have sent, a probe
 * could detect it.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import { MIN_STRANGER_MS } from "../../limits.ts";
import { Roster, type RosterEntry } from "../../roster.ts";
import type { Connection } from "../../transport.ts";
import type { Episode } from "../episode.ts";
import type { Dependencies } from "../service.ts";

/** The place of one connection. */
export interface Place {
  /** True if it was closed because there were too many strangers. */
  readonly dismissed: boolean;
  /** Frees the place, because the client has authenticated or has left. */
  admit(): void;
}

/** The unauthenticated connections of one service. */
export class Strangers {
  readonly #most: number;
  readonly #world: Required<Dependencies>;
  /** The places, the oldest first. */
  readonly #places = new Roster<StrangerPlace>();
  readonly #overload: Episode;
  #max: number;
  #stopping = false;
  /** Ends the wait for room; `undefined` while nothing waits. */
  #wait: AbortController | undefined;

  /**
   * Starts with no places.
   *
   * @param most The most places at once; `Infinity` for no limit.
   * @param overload Decides if an overload is logged.
   */
  constructor(
    most: number,
    overload: Episode,
    world: Required<Dependencies>,
  ) {
    this.#most = most;
    this.#max = most;
    this.#overload = overload;
    this.#world = world;
  }

  /** True if there is no room for another one. */
  get tooMany(): boolean {
    return this.#places.size >= this.#max;
  }

  /** Adds an accepted connection, which is a stranger until it is admitted. */
  add(connection: Connection): Place {
    const { clock } = this.#world;
    const sinceMs = clock.monotonicMs();
    const place = new StrangerPlace(connection, sinceMs, this);
    place.entry = this.#places.add(place);
    return place;
  }

  /** Removes a place that was freed or admitted. */
  leave(place: StrangerPlace): void {
    place.entry?.remove();
    this.#endWait();
  }

  /** Lowers the limit for a while; has no effect without a limit. */
  limitTo(max: number): void {
    if (this.#most === Infinity) return;
    this.#max = Math.max(1, Math.min(this.#most, Math.floor(max)));
    while (this.#places.size > this.#max) this.#dismissOldest();
  }

  /** Makes room for one more stranger. */
  async room(): Promise<void> {
    await this.replace(() => this.tooMany);
  }

  /**
   * Closes the oldest stranger, once it has had {@link MIN_STRANGER_MS} to
   * authenticate.
   *
   * @param isFull True if room is still needed.
   * @returns True if one was closed; `false` also if there is no limit.
   */
  async replace(isFull: () => boolean): Promise<boolean> {
    const { clock } = this.#world;
    while (this.#most !== Infinity && !this.#stopping && isFull()) {
      const oldest = this.#places.oldest?.value;
      if (oldest === undefined) return false;
      const ageMs = clock.monotonicMs() - oldest.sinceMs;
      if (ageMs >= MIN_STRANGER_MS) {
        this.#dismissOldest();
        return true;
      }
      this.#wait = new AbortController();
      await pause(clock, MIN_STRANGER_MS - ageMs, this.#wait.signal);
      this.#wait = undefined;
    }
    return false;
  }

  /** Ends the wait for room. */
  stop(): void {
    this.#stopping = true;
    this.#endWait();
  }

  /**
   * Ends the wait. The controller is dropped, because each abort makes an error
   * with a stack.
   */
  #endWait(): void {
    this.#wait?.abort();
    this.#wait = undefined;
  }

  #dismissOldest(): void {
    this.#places.oldest?.value.dismiss();
    const { logger, metrics } = this.#world;
    metrics.connectionRefused("ERR_POLICY_STRANGERS");
    if (!this.#overload.happens()) return;
    logger.log(
      "warn",
      "too many unauthenticated connections, closing the oldest",
      { limit: this.#max },
    );
  }
}

class StrangerPlace implements Place {
  readonly #connection: Connection;
  readonly #strangers: Strangers;
  /** The time of accept on the monotonic clock, in milliseconds. */
  readonly sinceMs: number;
  dismissed = false;
  entry: RosterEntry<StrangerPlace> | undefined = undefined;

  constructor(
    connection: Connection,
    sinceMs: number,
    strangers: Strangers,
  ) {
    this.#connection = connection;
    this.sinceMs = sinceMs;
    this.#strangers = strangers;
  }

  admit(): void {
    this.#strangers.leave(this);
  }

  dismiss(): void {
    this.dismissed = true;
    this.#strangers.leave(this);
    this.#connection.close();
  }
}
