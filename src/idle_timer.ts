/**
 * Detects that nothing has moved for a while. One timer is enough, however
 * frequent the activity is.
 *
 * @module
 */
import type { Clock } from "./clock.ts";

/** What an {@link IdleTimer} calls. */
export interface Idle {
  /**
   * Returns the idle time in milliseconds; called whenever the timer checks.
   */
  idleTimeoutMs(): number;
  /** Called when nothing has moved for that time; the timer has stopped. */
  onIdle(): void;
}

/**
 * Runs from its construction until it is stopped or the idle time has passed.
 */
export class IdleTimer {
  readonly #clock: Clock;
  readonly #idle: Idle;
  #lastMs: number;
  #held = 0;
  #cancel: () => void;

  /**
   * Starts the timer.
   *
   * @param clock Measures the idle time.
   */
  constructor(clock: Clock, idle: Idle) {
    this.#clock = clock;
    this.#idle = idle;
    this.#lastMs = clock.monotonicMs();
    this.#cancel = () => {};
    this.#arm(idle.idleTimeoutMs());
  }

  /** Reports activity. */
  touch(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  /** Suspends the timer until {@link IdleTimer.release}. */
  hold(): void {
    this.#held++;
  }

  /** Ends one {@link IdleTimer.hold}, which counts as activity. */
  release(): void {
    this.#held--;
    this.touch();
  }

  /** Stops the timer. Idempotent. */
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
