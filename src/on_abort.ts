/**
 * Signals that end waits, and thousands who listen to one.
 *
 * @module
 */

/** Ends a wait: an `AbortSignal`, or a {@link Stop}. */
export type StopSignal = AbortSignal | Stop;

/**
 * Signal and controller in one, for waits that nearly always end before they
 * are stopped: to make an `AbortController` and to listen to it costs the
 * runtimes ten times as much.
 */
export class Stop {
  /** True once it has been aborted. */
  aborted = false;
  /** Why it was. */
  reason: unknown;
  #listeners: Set<() => void> | undefined;

  /** Calls those who listen, once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) callAll(listeners);
  }

  /** See {@link onAbort}, by which it is to be called. */
  listen(callback: () => void): () => void {
    const listeners = this.#listeners ??= new Set();
    return add(listeners, callback);
  }

  /**
   * Does nothing until it has been aborted.
   *
   * @throws The reason, once it has been.
   */
  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

/** Makes a signal for interfaces of the runtime, which know no other kind. */
export function toAbortSignal(signal: StopSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  if (signal.aborted) return AbortSignal.abort(signal.reason);
  const controller = new AbortController();
  signal.listen(() => controller.abort(signal.reason));
  return controller.signal;
}

/** The listeners of a signal, in the order in which they came. */
const LISTENERS = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls back once a signal is aborted. The signal has one listener, behind which
 * there is a set: to add one listener and to remove it again costs the runtimes
 * the more, the more others there are.
 *
 * @param signal Not aborted yet.
 * @param callback Must not throw.
 * @returns Removes the callback; harmless afterwards.
 */
export function onAbort(
  signal: StopSignal,
  callback: () => void,
): () => void {
  return signal instanceof Stop
    ? signal.listen(callback)
    : add(LISTENERS.get(signal) ?? listenTo(signal), callback);
}

function add(listeners: Set<() => void>, callback: () => void): () => void {
  // The same function may listen twice.
  const call = (): void => callback();
  listeners.add(call);
  return () => listeners.delete(call);
}

function callAll(listeners: Set<() => void>): void {
  for (const call of listeners) call();
  listeners.clear();
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  LISTENERS.set(signal, listeners);
  signal.addEventListener("abort", () => callAll(listeners), { once: true });
  return listeners;
}
