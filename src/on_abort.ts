/**
 * Stop signals that thousands of waits can share.
 *
 * @module
 */

import { Roster } from "./roster.ts";

/** A signal that ends a wait: an `AbortSignal` or a {@link Stop}. */
export type StopSignal = AbortSignal | Stop;

/**
 * Signal and controller in one object, for waits that are rarely stopped.
 * Making an `AbortController` and listening to it costs the runtimes ten times
 * as much.
 */
export class Stop {
  /** True once it was aborted. */
  aborted = false;
  /** The reason of the abort. */
  reason: unknown;
  #listeners: Roster<() => void> | undefined;

  /** Aborts and calls the listeners once. */
  abort(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    const listeners = this.#listeners;
    this.#listeners = undefined;
    if (listeners !== undefined) callAll(listeners);
  }

  /** Adds a listener. Call {@link onAbort} instead. */
  listen(callback: () => void): () => void {
    const listeners = this.#listeners ??= new Roster();
    return add(listeners, callback);
  }

  /** Throws the reason if it was aborted. */
  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }
}

/**
 * A signal that also aborts when any of its parents does, with the same reason.
 * The owner must dispose of it, so that parents that outlive it forget it.
 *
 * `AbortSignal.any()` cannot be disposed of: with a listener, the runtimes keep
 * it in memory as long as any of its parents.
 */
export class JointStop extends Stop implements Disposable {
  #leaveParents: (() => void)[] = [];

  /** Follows the parents, some of which may be aborted. */
  constructor(...parents: readonly StopSignal[]) {
    super();
    for (const parent of parents) this.#follow(parent);
  }

  #follow(parent: StopSignal): void {
    const follow = (): void => this.abort(parent.reason);
    if (parent.aborted) follow();
    else this.#leaveParents.push(onAbort(parent, follow));
  }

  /** Stops following the parents. Idempotent. */
  [Symbol.dispose](): void {
    for (const leave of this.#leaveParents.splice(0)) leave();
  }
}

/**
 * Makes an `AbortSignal` for interfaces of the runtime, which accept no other.
 */
export function toAbortSignal(signal: StopSignal): AbortSignal {
  if (signal instanceof AbortSignal) return signal;
  if (signal.aborted) return AbortSignal.abort(signal.reason);
  const controller = new AbortController();
  signal.listen(() => controller.abort(signal.reason));
  return controller.signal;
}

/** The listeners of each signal, in the order in which they were added. */
const LISTENERS = new WeakMap<AbortSignal, Roster<() => void>>();

/**
 * Calls back once a signal is aborted. The signal has one listener, which calls
 * a set of callbacks: in the runtimes, adding and removing a listener costs
 * more the more listeners there are.
 *
 * @param signal Not aborted yet.
 * @param callback Must not throw.
 * @returns A function that removes the callback; it does nothing afterwards.
 */
export function onAbort(
  signal: StopSignal,
  callback: () => void,
): () => void {
  return signal instanceof Stop
    ? signal.listen(callback)
    : add(LISTENERS.get(signal) ?? listenTo(signal), callback);
}

function add(listeners: Roster<() => void>, callback: () => void): () => void {
  const entry = listeners.add(callback);
  return () => entry.remove();
}

function callAll(listeners: Roster<() => void>): void {
  for (const call of listeners.takeAll()) call();
}

function listenTo(signal: AbortSignal): Roster<() => void> {
  const listeners = new Roster<() => void>();
  LISTENERS.set(signal, listeners);
  signal.addEventListener("abort", () => callAll(listeners), { once: true });
  return listeners;
}
