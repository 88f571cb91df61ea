/**
 * Ports that only one process can have, while a new one takes over from an old
 * one: the new one waits for them, and meanwhile does everything else.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import { isInUse, startWhenFree } from "../../service/address_in_use.ts";

/** Something that listens. */
export interface Stoppable {
  /** Ends it; see `Service.stop`. */
  stop(graceMs: number): Promise<void>;
}

/** The options of the wait. */
export interface TakeOverOptions {
  /** True if to wait at all. */
  readonly wait: boolean;
  /** The program that starts, for the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Starts something, or promises to as soon as its address is free.
 *
 * @throws Whatever `start` throws at first; `ERR_NET_ADDRESS_IN_USE` only when
 * it is not waited for.
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
  logger.log("info", `${what} belongs to another process: waiting for its end`);
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
