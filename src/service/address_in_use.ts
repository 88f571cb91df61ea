/**
 * Addresses that another process still has, while a new one takes over.
 *
 * @module
 */
import { type Clock, pause } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { TAKE_OVER_RETRY_MS } from "../limits.ts";

/** True if something failed because another process has its address. */
export function isInUse(error: unknown): boolean {
  return error instanceof TransportError &&
    error.code === "ERR_NET_ADDRESS_IN_USE";
}

/**
 * Starts something as soon as its address is free.
 *
 * @param start Tried again and again while it fails for that reason.
 * @param signal Its abort ends the wait; a start under way goes on, and what it
 * gives is returned.
 * @returns `undefined` when the wait was given up.
 * @throws Whatever else `start` throws.
 */
export async function startWhenFree<T>(
  start: () => Promise<T>,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
): Promise<T | undefined> {
  for (;;) {
    await pause(clock, TAKE_OVER_RETRY_MS, signal);
    if (signal.aborted) return undefined;
    try {
      return await start();
    } catch (error) {
      if (!isInUse(error)) throw error;
    }
  }
}
