/**
 * A deadline that restarts with every activity.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { type Idle, IdleTimer } from "../idle_timer.ts";
import { onAbort, Stop, type StopSignal } from "../on_abort.ts";

/**
 * Aborts with `ERR_NET_IDLE` after some time without activity, or with a
 * parent's reason. It uses one timer, however frequent the activity is.
 *
 * The owner must dispose of it (`using`).
 */
export class IdleSignal implements Disposable, Idle {
  readonly #timeoutMs: number;
  readonly #stop = new Stop();
  readonly #timer: IdleTimer;
  #leaveParent: () => void = () => {};

  /**
   * Starts the timer.
   *
   * @param clock Measures the time.
   * @param timeoutMs Milliseconds without activity.
   * @param parent Its abort aborts this signal at once, with the same reason.
   */
  constructor(clock: Clock, timeoutMs: number, parent: StopSignal) {
    this.#timeoutMs = timeoutMs;
    this.#timer = new IdleTimer(clock, this);
    const endToo = (): void => this.#stop.abort(parent.reason);
    if (parent.aborted) endToo();
    else this.#leaveParent = onAbort(parent, endToo);
  }

  /**
   * The signal; it aborts with a `TransportError` or with the parent's reason.
   */
  get signal(): StopSignal {
    return this.#stop;
  }

  /** Reports activity. */
  touch(): void {
    this.#timer.touch();
  }

  /** See {@link Idle.idleTimeoutMs}. */
  idleTimeoutMs(): number {
    return this.#timeoutMs;
  }

  /** See {@link Idle.onIdle}. */
  onIdle(): void {
    this.#stop.abort(nothingMoved(this.#timeoutMs));
  }

  /** Stops the timer without aborting. Idempotent. */
  [Symbol.dispose](): void {
    this.#timer.stop();
    this.#leaveParent();
  }
}

/** Makes the error of an idle connection. */
export function nothingMoved(idleTimeoutMs: number): TransportError {
  const seconds = idleTimeoutMs / 1_000;
  return new TransportError("ERR_NET_IDLE", `Nothing moved for ${seconds} s`);
}
