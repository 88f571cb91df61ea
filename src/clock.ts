/**
 * Time as an argument: every wait and every timestamp goes through a
 * {@link Clock}, so that tests own the time.
 *
 * @module
 */
import { TransportError, type TransportErrorCode } from "./errors.ts";
import { MIN_WHEEL_MS } from "./limits.ts";
import { onAbort, Stop, type StopSignal } from "./on_abort.ts";
import { TimerWheel } from "./timer_wheel.ts";

/** A source of time. */
export interface Clock {
  /** Milliseconds that never run backwards; the origin is arbitrary. */
  monotonicMs(): number;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  unixMs(): number;
  /**
   * Runs `callback` once after `delayMs`; never, where that is `Infinity`.
   *
   * @returns A function that cancels it; harmless afterwards.
   */
  schedule(callback: () => void, delayMs: number): () => void;
}

const exactClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  schedule(callback, delayMs): () => void {
    // A timer of the runtimes would fire at once.
    if (delayMs === Infinity) return () => {};
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};

const wheel = new TimerWheel(exactClock);

/**
 * The system's clock and timers. A wait of a second and more, of which every
 * connection has some, may be a little longer.
 */
export const systemClock: Clock = {
  ...exactClock,
  schedule: (callback, delayMs) =>
    (delayMs < MIN_WHEEL_MS ? exactClock : wheel).schedule(callback, delayMs),
};

/**
 * When a moment of the monotonic clock was, by the wall clock as it is set now:
 * the wall clock may have been set since.
 *
 * @param momentMs What `monotonicMs()` was then.
 * @returns Milliseconds since 1970.
 */
export function unixMsAt(clock: Clock, momentMs: number): number {
  return clock.unixMs() - (clock.monotonicMs() - momentMs);
}

/** The options of a deadline. */
export interface DeadlineOptions {
  /** Milliseconds from now until the signal aborts. */
  readonly delayMs: number;
  /** Code of the {@link TransportError} that is the abort reason. */
  readonly code: TransportErrorCode;
  /**
   * The parent; its abort aborts the deadline at once, with the same reason.
   */
  readonly parent?: StopSignal | undefined;
  /** The event that did not happen in that time; default "Gave up waiting". */
  readonly what?: (() => string) | undefined;
}

/**
 * A deadline as a signal that also follows a parent signal.
 *
 * The owner must {@link Deadline.cancel} it (or use `using`): that ends the
 * timer and unhooks it from the parent, which usually lives longer.
 */
export class Deadline implements Disposable {
  readonly #stop = new Stop();
  readonly #cancelTimer: () => void;
  #leaveParent: () => void = () => {};

  /**
   * Starts to run.
   *
   * @param clock Where the time comes from.
   */
  constructor(
    clock: Clock,
    { delayMs, code, parent, what = () => "Gave up waiting" }: DeadlineOptions,
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

  /** Aborted with a {@link TransportError} or with the parent's reason. */
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
 * Waits for some time, or until the signal is aborted: for code that goes on
 * either way.
 *
 * @param clock Where the time comes from.
 * @param delayMs How long at most.
 * @param signal Its abort ends the wait early; that is not an error.
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
 * Lets a wait that knows nothing of signals be given up.
 *
 * The operation itself goes on; what it yields late is handed to `late`, so
 * that a resource which arrives after the abort still finds an owner.
 *
 * @param operation The wait.
 * @param signal Its abort rejects the result with the signal's reason.
 * @param late Called with a value that comes too late.
 */
export function abortable<T>(
  operation: Promise<T>,
  signal: StopSignal | undefined,
  late?: (value: T) => void,
): Promise<T> {
  if (signal === undefined) return operation;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const giveUp = (): void => reject(signal.reason);
  // Where it is aborted, to give up again changes nothing.
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
