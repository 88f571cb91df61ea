/**
 * Strangers of a ShadowsocksR port who are sent to a site of the operator's
 * choice: it is given every byte they sent, and answers them itself.
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

/** A stranger, and how strangers are met. */
export interface RedirectOptions {
  /** Every byte the stranger has sent. */
  readonly received: Uint8Array;
  /** The sites, and how long they may take. */
  readonly options:
    & Pick<ServiceOptions, "connectTimeoutMs" | "idleTimeoutMs">
    & { readonly redirect?: readonly Address[] | undefined };
  /** The world it runs in. */
  readonly world: Required<Dependencies>;
  /** Aborted when the service gives up waiting for it. */
  readonly signal: AbortSignal;
}

/**
 * Relays between a stranger and the site for its address, to the end of both.
 *
 * @param client Read and written by no one else from now on.
 * @returns False when the stranger was sent nowhere.
 */
export async function redirectStranger(
  client: Channel,
  { received, options, world, signal }: RedirectOptions,
): Promise<boolean> {
  const { remote, local } = client.connection;
  const target = redirectFor(remote.host, options.redirect ?? []);
  if (target === undefined) return false;
  const { connectTimeoutMs } = options;
  // A site that is this very port would be a stranger again.
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
        first: { up: site.begin() },
      });
    } finally {
      site.close();
    }
  } catch (error) {
    // The log says already why the stranger was refused.
    if (!(error instanceof UmbraError)) throw error;
  }
  return isThere;
}

/** Strangers are no user's. */
const UNCOUNTED: Passage = { pass: () => 0 };
