/**
 * Watches the network of this machine for a local, whose servers may work again
 * or no longer in another network.
 *
 * @module
 */
import {
  networkTraits,
  NetworkWatch,
  whyUnseen,
} from "../../adapters/system/network_watch.ts";
import { systemClock } from "../../clock.ts";
import {
  type Logger,
  type Metrics,
  silentLogger,
  silentMetrics,
} from "../../observe.ts";
import type { Host } from "./host.ts";

/**
 * Starts a watch with the first group of servers. In workers, each has its own;
 * the first one logs and counts for all.
 *
 * @param owned Ends the watch.
 */
export function watchNetwork(
  { worker = 1 }: Pick<Host, "worker">,
  { metrics = silentMetrics }: { readonly metrics?: Metrics },
  { logger, owned }: {
    readonly logger: Logger;
    readonly owned: DisposableStack;
  },
): NetworkWatch {
  const speaks = worker === 1;
  const reason = whyUnseen();
  if (speaks && reason !== undefined) {
    logger.log(
      "warn",
      "another network of this machine is noticed only after it has slept",
      { reason },
    );
  }
  return owned.use(
    new NetworkWatch({
      clock: systemClock,
      logger: speaks ? logger : silentLogger,
      metrics: speaks ? metrics : silentMetrics,
      traits: reason === undefined ? networkTraits : undefined,
    }),
  );
}
