/**
 * Time as an argument: every wait and every timestamp uses a {@link Clock}, so
 * that tests can control time.
 *
 * @module
 */
import { TransportError, type TransportErrorCode } from "./errors.ts";
import { MIN_WHEEL_MS } from "./limits.ts";
import { onAbort, Stop, type StopSignal } from "./on_abort.ts";
import { TimerWheel } from "./timer_wheel.ts";

/** A source of time. */
export interface Clock {
  /** Milliseconds that never decrease; the origin is arbitrary. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  unixMs(): number;
  /**
   * Runs `callback` once after `delayMs`. With `Infinity`, it never runs.
   *
   * @returns A function that cancels the callback; it does nothing afterwards.
   */
  schedule(callback: () => void, delayMs: number): () => void;
}

const exactClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  schedule(callback, delayMs): () => void {
    // With `Infinity`, a timer of the runtimes would fire at once.
    if (delayMs === Infinity) return () => {};
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const wheel = new TimerWheel(exactClock);

/**
 * The system's clock and timers. Waits of a second or more share one timer, and
 * may end slightly late.
 */
export const systemClock: Clock = {
  ...exactClock,
  schedule: (callback, delayMs) =>
    (delayMs < MIN_WHEEL_MS ? exactClock : wheel).schedule(callback, delayMs),
};

/**
 * Returns the wall-clock time of a moment of the monotonic clock. The wall
 * clock as it is set now is used, even if it has been set since.
 *
 * @param momentMs The value of `monotonicMs()` at that moment.
 * @returns Milliseconds since 1970.
 */
export function unixMsAt(clock: Clock, momentMs: number): number {
  return clock.unixMs() - (clock.monotonicMs() - momentMs);
}

/** The options of a deadline. */
export interface DeadlineOptions {
  /** Milliseconds from now until the signal aborts. */
  readonly delayMs: number;
  /**
   * Code of the {@link TransportError} with which the signal aborts; default:
   * `ERR_NET_TIMEOUT`.
   */
  readonly code?: TransportErrorCode;
  /**
   * The parent signal. Its abort aborts the deadline at once, with the same
   * reason.
   */
  readonly parent?: StopSignal | undefined;
  /** The event that did not happen in time; default "Gave up waiting". */
  readonly what?: (() => string) | undefined;
}

/**
 * A deadline as a signal that also follows a parent signal.
 *
 * The owner must {@link Deadline.cancel} it (or use `using`). Cancelling stops
 * the timer and removes the listener from the parent, which usually outlives
 * the deadline.
 */
export class Deadline implements Disposable {
  readonly #stop = new Stop();
  readonly #cancelTimer: () => void;
  #leaveParent: () => void = () => {};

  /**
   * Starts the deadline.
   *
   * @param clock Measures the time.
   */
  constructor(
    clock: Clock,
    {
      delayMs,
      code = "ERR_NET_TIMEOUT",
      parent,
      what = () => "Gave up waiting",
    }: DeadlineOptions,
  ) {
    this.#cancelTimer = clock.schedule(() => {
      this.#abort(
        new TransportError(code, `${what()} after ${delayMs / 1_000} s`),
      );
    }, delayMs);
    if (parent === undefined) return;
    if (parent.aborted) this.#abort(parent.reason);
    else this.#leaveParent = onAbort(parent, () => this.#abort(parent.reason));
  }

  /**
   * The signal; it aborts with a {@link TransportError} or with the parent's
   * reason.
   */
  get signal(): StopSignal {
    return this.#stop;
  }

  /** Ends the wait without aborting. Idempotent. */
  cancel(): void {
    this.#cancelTimer();
    this.#leaveParent();
  }

  /** Same as {@link Deadline.cancel}. */
  [Symbol.dispose](): void {
    this.cancel();
  }

  #abort(reason: unknown): void {
    this.cancel();
    this.#stop.abort(reason);
  }
}

/**
 * Waits for some time, or until the signal aborts. The abort is not an error.
 *
 * @param clock Measures the time.
 * @param delayMs The longest wait in milliseconds.
 * @param signal Its abort ends the wait early.
 */
export function pause(
  clock: Clock,
  delayMs: number,
  signal: StopSignal,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  if (signal.aborted) {
    resolve();
    return promise;
  }
  const wake = (): void => {
    cancel();
    leave();
    resolve();
  };
  const cancel = clock.schedule(wake, delayMs);
  const leave = onAbort(signal, wake);
  return promise;
}

/**
 * Makes an operation that takes no signal abortable.
 *
 * The operation itself continues. If it succeeds after the abort, its value is
 * passed to `late`, which then owns the value.
 *
 * @param operation The operation that is waited for.
 * @param signal Its abort rejects the result with the signal's reason.
 * @param late Called with a value that arrives after the abort.
 */
export function abortable<T>(
  operation: Promise<T>,
  signal: StopSignal | undefined,
  late?: (value: T) => void,
): Promise<T> {
  if (signal === undefined) return operation;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = (): void => reject(signal.reason);
  // After an abort, calling `giveUp` again has no effect.
  const leave = signal.aborted ? giveUp : onAbort(signal, giveUp);
  if (signal.aborted) giveUp();
  operation.then((value) => {
    leave();
    if (signal.aborted) late?.(value);
    resolve(value);
  }, (error) => {
    leave();
    reject(error);
  });
  return promise;
}
