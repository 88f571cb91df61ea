/**
 * Waits for addresses that another process still uses, while a new one takes
 * over.
 *
 * @module
 */
import { type Clock, pause } from "../clock.ts";
import { TransportError } from "../errors.ts";
import { TAKE_OVER_RETRY_MS } from "../limits.ts";

/** True if an operation failed because another process has its address. */
export function isInUse(error: unknown): boolean {
  return error instanceof TransportError &&
    error.code === "ERR_NET_ADDRESS_IN_USE";
}

/**
 * Starts a service as soon as its address is free.
 *
 * @param start Repeated while it fails because the address is in use.
 * @param signal Its abort ends the wait. A start that is pending continues, and
 * its result is returned.
 * @returns `undefined` if the wait was aborted.
 * @throws Any other error of `start`.
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
