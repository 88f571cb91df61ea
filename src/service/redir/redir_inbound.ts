/**
 * Connections that the system redirects to us: their target is known before
 * they say anything.
 *
 * @module
 */
import { ProtocolError } from "../../errors.ts";
import type { Accepted } from "../../transport.ts";
import type { Inbound } from "../inbound/inbound.ts";
import { tunnelInbound } from "../inbound/protocols.ts";

/** The inbound of one connection. */
export function redirInbound({ originalDestination }: Accepted): Inbound {
  return originalDestination === undefined
    ? refuse
    : tunnelInbound(originalDestination);
}

function refuse(): Promise<never> {
  return Promise.reject(
    new ProtocolError(
      "ERR_INBOUND_PROTOCOL",
      "A connection to the redir port itself: its target is unknown",
    ),
  );
}
