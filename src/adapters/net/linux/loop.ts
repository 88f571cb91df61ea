/**
 * The event loop of a thread's own sockets, inside the runtime's event loop:
 * one epoll, which is polled in turns. Between two turns the runtime runs
 * promises, timers and its own sockets. If no event occurs, the thread waits
 * for a moment itself, for the events of the runtime too. Then the runtime
 * sleeps, and the bell wakes it, which costs more.
 *
 * No event is lost: while something is watched, a turn or a wait is scheduled or
 * the bell is set, and a bell that is set while events wait rings at once.
 *
 * @module
 */
import { setImmediate } from "node:timers";
import { BELL_RETRY_MS, MAX_TURN_BYTES, OWN_WAIT_MS } from "../../../limits.ts";
import type { Bell } from "./bell.ts";
import { type Epoll, queueThatWatches } from "./epoll_event.ts";
import { Queues } from "./queues.ts";

/** Receives the events of a descriptor. */
export interface Watcher {
  /** @param events Bits of `EPOLLIN` and others; 0 for a postponed turn. */
  ready(events: number): void;
}

/** One watched descriptor. */
interface Watched {
  watcher: Watcher;
  /**
   * A number that distinguishes a socket from earlier ones with the same
   * descriptor.
   */
  readonly generation: number;
}

export class Loop {
  /** Bytes that may still be read in this turn. */
  budget: number = MAX_TURN_BYTES;
  readonly #epoll: Epoll;
  readonly #bell: Bell;
  /** Not set if the runtime's event queue is not known; `null` before a search. */
  #queues: Queues | undefined | null = null;
  /** The watchers by descriptor. */
  readonly #watched: (Watched | undefined)[] = [];
  #count = 0;
  #generation = 0;
  #isDue = false;
  #isSet = false;
  /** Watchers whose next turn comes after all others. */
  #postponed: Watcher[] = [];

  /** Owns both while the thread runs. */
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
   * @throws {TransportError} If the system refuses.
   */
  watch(descriptor: number, events: number, watcher: Watcher): void {
    const generation = this.#generation = (this.#generation + 1) | 0;
    this.#epoll.add(descriptor, events, generation);
    this.#watched[descriptor] = { watcher, generation };
    if (this.#count++ === 0) this.#bell.hold();
    if (!this.#isSet) this.#schedule();
  }

  /** Replaces the watcher of a descriptor. */
  handOver(descriptor: number, watcher: Watcher): void {
    const watched = this.#watched[descriptor];
    if (watched !== undefined) watched.watcher = watcher;
  }

  /** Stops watching. It must be called before the descriptor is closed. */
  forget(descriptor: number): void {
    if (this.#watched[descriptor] === undefined) return;
    this.#watched[descriptor] = undefined;
    if (--this.#count === 0) this.#bell.release();
  }

  /** Calls `ready(0)` in the next turn, after the watchers that have events. */
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
    else if (this.#count > 0 && !this.#isSet) this.#rest();
  }

  /** Waits once the runtime has done what it has to do now. */
  #rest(): void {
    // The runtime watches the end of the bell only after its first turn.
    if (this.#queues === null) this.#queues = this.#findQueues();
    const queues = this.#queues;
    if (queues === undefined) return this.#sleep();
    this.#isDue = true;
    setImmediate(() => {
      if (this.#postponed.length > 0) return this.#turn();
      const whose = queues.wait(OWN_WAIT_MS);
      if (whose === "own") return this.#turn();
      this.#isDue = false;
      if (whose === "runtime") this.#schedule();
      else if (this.#count > 0) this.#sleep();
    });
  }

  #findQueues(): Queues | undefined {
    const { runtimeEnd } = this.#bell;
    if (runtimeEnd === undefined) return undefined;
    const other = queueThatWatches(runtimeEnd);
    if (other === undefined) return undefined;
    return new Queues(this.#epoll.descriptor, [other]);
  }

  #sleep(): void {
    try {
      this.#bell.set();
      this.#isSet = true;
    } catch {
      // The kernel is short of memory: poll by a timer until it has some.
      setTimeout(() => this.#schedule(), BELL_RETRY_MS);
    }
  }
}

/** Calls a watcher. Its defect must not affect other watchers. */
function tell(watcher: Watcher, events: number): void {
  try {
    watcher.ready(events);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
