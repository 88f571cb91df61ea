/**
 * Relays unauthenticated clients of a ShadowsocksR port to a site that the
 * operator has chosen. The site gets every byte they sent, and answers them.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { redirectFor } from "../../codec/ssr_redirect.ts";
import { UmbraError } from "../../errors.ts";
import type { Channel } from "../../streams/channel.ts";
import { type Passage, relay } from "../../streams/relay.ts";
import { GuardedDirect } from "../routing/loop_guard.ts";
import type { ServiceOptions } from "../options.ts";
import type { Dependencies } from "../service.ts";

/** The options of a redirection. */
export interface RedirectOptions {
  /** Every byte that the client has sent. */
  readonly received: Uint8Array;
  /** The sites and the time-outs. */
  readonly options:
    & Pick<ServiceOptions, "connectTimeoutMs" | "idleTimeoutMs">
    & { readonly redirect?: readonly Address[] | undefined };
  /** The dependencies of the server. */
  readonly world: Required<Dependencies>;
  /** Aborted when the service stops waiting for the connection. */
  readonly signal: AbortSignal;
}

/**
 * Relays between a client and the site for its address, until both have ended.
 *
 * @param client The relay reads and writes it from now on.
 * @returns False if no site was connected.
 */
export async function redirectStranger(
  client: Channel,
  { received, options, world, signal }: RedirectOptions,
): Promise<boolean> {
  const { remote, local } = client.connection;
  const target = redirectFor(remote.host, options.redirect ?? []);
  if (target === undefined) return false;
  const { connectTimeoutMs } = options;
  // A connection to this port would be unauthenticated again.
  const direct = new GuardedDirect(local, connectTimeoutMs, world);
  let isThere = false;
  try {
    const site = await direct.open(target, received, signal);
    isThere = true;
    try {
      await relay(client.bare(), site, UNCOUNTED, {
        ...options,
        buffers: world.transport.buffers,
        clock: world.clock,
        signals: [signal],
      }, { up: site.begin() });
    } finally {
      site.close();
    }
  } catch (error) {
    // The reason of the first refusal was already logged.
    if (!(error instanceof UmbraError)) throw error;
  }
  return isThere;
}

/** This traffic is not counted for any user. */
const UNCOUNTED: Passage = { pass: () => 0 };
