/**
 * A deadline that moves on whenever something moves.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { onAbort } from "../on_abort.ts";

/**
 * Aborts with `ERR_NET_IDLE` once nothing has been touched for a while, or
 * with a parent's reason. One timer, however often it is touched.
 *
 * The owner must dispose of it (`using`).
 */
export class IdleSignal implements Disposable {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  readonly #controller = new AbortController();
  #leaveParent: () => void = () => {};
  #lastMs: number;
  #cancel: () => void = () => {};

  /**
   * @param clock Measures.
   * @param timeoutMs Milliseconds without a touch.
   * @param parent Its abort aborts this one at once, with the same reason.
   */
  constructor(clock: Clock, timeoutMs: number, parent: AbortSignal) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
    this.#lastMs = clock.monotonicMs();
    const endToo = (): void => this.#controller.abort(parent.reason);
    if (parent.aborted) endToo();
    else this.#leaveParent = onAbort(parent, endToo);
    this.#arm(timeoutMs);
  }

  /** Aborted with a `TransportError` or with the parent's reason. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Something has moved. */
  touch(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  /** Ends the wait without aborting. Idempotent. */
  [Symbol.dispose](): void {
    this.#cancel();
    this.#leaveParent();
  }

  #arm(delayMs: number): void {
    this.#cancel = this.#clock.schedule(() => {
      const idleMs = this.#clock.monotonicMs() - this.#lastMs;
      if (idleMs < this.#timeoutMs) this.#arm(this.#timeoutMs - idleMs);
      else {
        const seconds = this.#timeoutMs / 1_000;
        this.#controller.abort(
          new TransportError("ERR_NET_IDLE", `Nothing moved for ${seconds} s`),
        );
      }
    }, delayMs);
  }
}
