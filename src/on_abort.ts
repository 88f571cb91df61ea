/**
 * Thousands who listen to one signal.
 *
 * @module
 */

/** Who listens to a signal, in the order in which they came. */
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
  signal: AbortSignal,
  callback: () => void,
): () => void {
  const listeners = LISTENERS.get(signal) ?? listenTo(signal);
  const call = (): void => callback();
  listeners.add(call);
  return () => listeners.delete(call);
}

function listenTo(signal: AbortSignal): Set<() => void> {
  const listeners = new Set<() => void>();
  LISTENERS.set(signal, listeners);
  signal.addEventListener("abort", () => {
    for (const call of listeners) call();
    listeners.clear();
  }, { once: true });
  return listeners;
}
