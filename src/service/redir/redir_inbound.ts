/**
 * Connections that the system redirects to this program; their target is known
 * without a handshake.
 *
 * @module
 */
import { ProtocolError } from "../../errors.ts";
import type { Accepted } from "../../transport.ts";
import type { Inbound } from "../inbound/inbound.ts";
import { tunnelInbound } from "../inbound/protocols.ts";

/** Returns the inbound of one redirected connection. */
export function redirInbound({ originalDestination }: Accepted): Inbound {
  return originalDestination === undefined
    ? refuse
    : tunnelInbound(originalDestination);
}

function refuse(): Promise<never> {
  return Promise.reject(
    new ProtocolError(
      "ERR_INBOUND_PROTOCOL",
      "Connection was not redirected: its target is unknown",
    ),
  );
}
