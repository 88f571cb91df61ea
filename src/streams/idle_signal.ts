/**
 * A deadline that moves on whenever something moves.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { type Idle, IdleTimer } from "../idle_timer.ts";
import { onAbort, Stop, type StopSignal } from "../on_abort.ts";

/**
 * Aborts with `ERR_NET_IDLE` once nothing has been touched for a while, or
 * with a parent's reason. One timer, however often it is touched.
 *
 * The owner must dispose of it (`using`).
 */
export class IdleSignal implements Disposable, Idle {
  readonly #timeoutMs: number;
  readonly #stop = new Stop();
  readonly #timer: IdleTimer;
  #leaveParent: () => void = () => {};

  /**
   * Starts to watch.
   *
   * @param clock Measures.
   * @param timeoutMs Milliseconds without a touch.
   * @param parent Its abort aborts this one at once, with the same reason.
   */
  constructor(clock: Clock, timeoutMs: number, parent: StopSignal) {
    this.#timeoutMs = timeoutMs;
    this.#timer = new IdleTimer(clock, this);
    const endToo = (): void => this.#stop.abort(parent.reason);
    if (parent.aborted) endToo();
    else this.#leaveParent = onAbort(parent, endToo);
  }

  /** Aborted with a `TransportError` or with the parent's reason. */
  get signal(): StopSignal {
    return this.#stop;
  }

  /** Something has moved. */
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

  /** Ends the wait without aborting. Idempotent. */
  [Symbol.dispose](): void {
    this.#timer.stop();
    this.#leaveParent();
  }
}

/** The error of a connection on which nothing has moved. */
export function nothingMoved(idleTimeoutMs: number): TransportError {
  const seconds = idleTimeoutMs / 1_000;
  return new TransportError("ERR_NET_IDLE", `Nothing moved for ${seconds} s`);
}
