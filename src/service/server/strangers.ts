/**
 * Connections of clients that have not proved to belong here: where too many
 * of them hold on to their places, the oldest has to leave.
 *
 * Time is all that counts: what a stranger has sent or not makes no
 * difference, or a probe could tell.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import { MIN_STRANGER_MS } from "../../limits.ts";
import type { Connection } from "../../transport.ts";
import type { Episode } from "../episode.ts";
import type { Dependencies } from "../service.ts";

/** A connection's place among the others. */
export interface Place {
  /** True if it had to leave because there were too many strangers. */
  readonly dismissed: boolean;
  /** The peer belongs here, or is gone: it is no stranger any more. */
  admit(): void;
}

/** The strangers of one service. */
export class Strangers {
  readonly #most: number;
  readonly #world: Required<Dependencies>;
  /** The oldest first. */
  readonly #places = new Set<StrangerPlace>();
  readonly #overload: Episode;
  #max: number;
  #stopping = false;
  /** Ends the wait for room; `undefined` while it is not waited for. */
  #wait: AbortController | undefined;

  /**
   * There are none yet.
   *
   * @param most So many at once; `Infinity` for as many as come.
   * @param overload True if that there are too many is news.
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

  /** True if there is no room for one more. */
  get tooMany(): boolean {
    return this.#places.size >= this.#max;
  }

  /** A connection was accepted: of a stranger, until it is admitted. */
  add(connection: Connection): Place {
    const { clock } = this.#world;
    const sinceMs = clock.monotonicMs();
    const place = new StrangerPlace(connection, sinceMs, this);
    this.#places.add(place);
    return place;
  }

  /** A place is free, or is a stranger's no more. */
  leave(place: StrangerPlace): void {
    this.#places.delete(place);
    this.#endWait();
  }

  /** Allows fewer for a while; where there are none, nothing changes. */
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
   * Has the oldest leave, once it has had the time that a client with the key
   * needs.
   *
   * @param isFull True if that is still needed.
   * @returns True if one has left; `false` too where all may stay.
   */
  async replace(isFull: () => boolean): Promise<boolean> {
    const { clock } = this.#world;
    while (this.#most !== Infinity && !this.#stopping && isFull()) {
      const [oldest] = this.#places;
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

  /** No connection waits any more. */
  stop(): void {
    this.#stopping = true;
    this.#endWait();
  }

  /** An abort makes a reason with a trace, also of what is aborted already. */
  #endWait(): void {
    this.#wait?.abort();
    this.#wait = undefined;
  }

  #dismissOldest(): void {
    const [oldest] = this.#places;
    oldest!.dismiss();
    const { logger, metrics } = this.#world;
    metrics.connectionRefused("ERR_POLICY_STRANGERS");
    if (!this.#overload.happens()) return;
    logger.log(
      "warn",
      "too many connections do not authenticate, the oldest of them end",
      { limit: this.#max },
    );
  }
}

class StrangerPlace implements Place {
  readonly #connection: Connection;
  readonly #strangers: Strangers;
  /** The time of arrival in milliseconds of the monotonic clock. */
  readonly sinceMs: number;
  dismissed = false;

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
