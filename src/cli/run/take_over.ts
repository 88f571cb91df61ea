/**
 * Ports that only one process can have, when a new process takes over from an
 * old one: the new process starts everything else and waits for these ports.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import { isInUse, startWhenFree } from "../../service/address_in_use.ts";

/** A running listener. */
export interface Stoppable {
  /** Stops it; see `Service.stop`. */
  stop(graceMs: number): Promise<void>;
}

/** Options of the wait. */
export interface TakeOverOptions {
  /** True to wait for the address. */
  readonly wait: boolean;
  /** The name of the listener in the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts a listener now, or as soon as its address is free.
 *
 * @throws The first error of `start`, except `ERR_NET_ADDRESS_IN_USE` if `wait`
 * is true.
 */
export async function startOrWait(
  start: () => Promise<Stoppable>,
  { wait, what, clock, logger }: TakeOverOptions,
): Promise<Stoppable> {
  try {
    return await start();
  } catch (error) {
    if (!wait || !isInUse(error)) throw error;
  }
  logger.log("info", `${what} is in use by another process: waiting`);
  const stop = new AbortController();
  const late = startWhenFree(start, { clock, signal: stop.signal })
    .catch((error) => {
      logger.log("error", `cannot take over ${what}`, {
        reason: messageOf(error),
      });
      return undefined;
    });
  return {
    async stop(graceMs): Promise<void> {
      stop.abort();
      await (await late)?.stop(graceMs);
    },
  };
}
