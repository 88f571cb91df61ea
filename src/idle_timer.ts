/**
 * The one way in which this project notices that nothing has moved for a while:
 * one timer, however often something does.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** The activity that an {@link IdleTimer} watches, and its listener. */
export interface Idle {
  /** Milliseconds without a touch; asked again whenever the timer looks. */
  idleTimeoutMs(): number;
  /** Nothing has moved for that time; the timer has stopped. */
  onIdle(): void;
}

/** Runs from its making until it is stopped, or nothing has moved. */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #idle: Idle;
  #lastMs: number;
  #held = 0;
  #cancel: () => void;

  /**
   * Starts.
   *
   * @param clock Measures.
   */
  constructor(clock: Clock, idle: Idle) {
    this.#clock = clock;
    this.#idle = idle;
    this.#lastMs = clock.monotonicMs();
    this.#cancel = () => {};
    this.#arm(idle.idleTimeoutMs());
  }

  /** Something has moved. */
  touch(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  /** Something waits on purpose, until {@link IdleTimer.release}. */
  hold(): void {
    this.#held++;
  }

  /** It waits no more, which counts as a touch. */
  release(): void {
    this.#held--;
    this.touch();
  }

  /** Ends the wait. Idempotent. */
  stop(): void {
    this.#cancel();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.schedule(() => this.#look(), delayMs);
  }

  #look(): void {
    const timeoutMs = this.#idle.idleTimeoutMs();
    const idleMs = this.#clock.monotonicMs() - this.#lastMs;
    if (this.#held > 0) this.#arm(timeoutMs);
    else if (idleMs < timeoutMs) this.#arm(timeoutMs - idleMs);
    else this.#idle.onIdle();
  }
}
