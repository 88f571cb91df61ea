/**
 * The event loop of a thread's own sockets, inside the runtime's: one epoll,
 * looked at in turns. Between two turns the runtime runs promises, timers and
 * its own sockets; while nothing happens it sleeps, and the bell wakes it.
 *
 * No wake-up is lost: whenever something is watched, a turn is due or the bell
 * is set, and a bell that is set while events wait rings at once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { BELL_RETRY_MS, MAX_TURN_BYTES } from "../../../limits.ts";
import type { Bell } from "./bell.ts";
import type { Epoll } from "./epoll_event.ts";

/** An object that hears of the events of a descriptor. */
export interface Watcher {
  /** @param events Bits of `EPOLLIN` and so on; 0 for a turn asked for. */
  ready(events: number): void;
}

/** One watched descriptor. */
interface Watched {
  watcher: Watcher;
  /**
   * A number that differs in events of an earlier socket with this descriptor.
   */
  readonly generation: number;
}

export class Loop {
  /** Bytes that may still be read in this turn. */
  budget: number = MAX_TURN_BYTES;
  readonly #epoll: Epoll;
  readonly #bell: Bell;
  /** The watchers by descriptor. */
  readonly #watched: (Watched | undefined)[] = [];
  #count = 0;
  #generation = 0;
  #isDue = false;
  #isSet = false;
  /** Their turn comes once everybody else had one. */
  #postponed: Watcher[] = [];

  /** Owns both for as long as the thread lives. */
  constructor(epoll: Epoll, bell: Bell) {
    this.#epoll = epoll;
    this.#bell = bell;
    bell.onRing = () => {
      this.#isSet = false;
      if (!this.#isDue) this.#turn();
    };
  }

  /**
   * Watches a descriptor.
   *
   * @throws {TransportError} When the system cannot.
   */
  watch(descriptor: number, events: number, watcher: Watcher): void {
    const generation = this.#generation = (this.#generation + 1) | 0;
    this.#epoll.add(descriptor, events, generation);
    this.#watched[descriptor] = { watcher, generation };
    if (this.#count++ === 0) this.#bell.hold();
    if (!this.#isSet) this.#schedule();
  }

  /** Calls another watcher from now on. */
  handOver(descriptor: number, watcher: Watcher): void {
    const watched = this.#watched[descriptor];
    if (watched !== undefined) watched.watcher = watcher;
  }

  /** Call it before the descriptor is closed. */
  forget(descriptor: number): void {
    if (this.#watched[descriptor] === undefined) return;
    this.#watched[descriptor] = undefined;
    if (--this.#count === 0) this.#bell.release();
  }

  /** Calls `ready(0)` in the next turn, after those that have events. */
  postpone(watcher: Watcher): void {
    this.#postponed.push(watcher);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#turn());
  }

  #turn(): void {
    this.#isDue = false;
    this.budget = MAX_TURN_BYTES;
    const postponed = this.#postponed;
    this.#postponed = [];
    const count = this.#epoll.wait(0);
    for (let i = 0; i < count; i++) {
      const [events, descriptor, generation] = this.#epoll.at(i);
      const watched = this.#watched[descriptor];
      if (watched?.generation === generation) tell(watched.watcher, events);
    }
    for (const watcher of postponed) tell(watcher, 0);
    if (count + postponed.length > 0) this.#schedule();
    else if (this.#count > 0 && !this.#isSet) this.#sleep();
  }

  #sleep(): void {
    try {
      this.#bell.set();
      this.#isSet = true;
    } catch {
      // The kernel is short of memory: until it is not, look by the clock.
      setTimeout(() => this.#schedule(), BELL_RETRY_MS);
    }
  }
}

/** A defect of one watcher is not the others'. */
function tell(watcher: Watcher, events: number): void {
  try {
    watcher.ready(events);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
