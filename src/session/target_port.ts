/**
 * The one target address that a codec can read and no server can serve.
 *
 * @module
 */
import type { Address } from "../codec/address.ts";
import { ProtocolError } from "../errors.ts";

/**
 * Refuses port 0, which cannot be sent to.
 *
 * @param what Names a target, for the message.
 * @throws {ProtocolError} `ERR_SS_ADDRESS_INVALID`.
 */
export function checkTargetPort(
  { port }: Address,
  what: "request" | "packet",
): void {
  if (port !== 0) return;
  throw new ProtocolError(
    "ERR_SS_ADDRESS_INVALID",
    `Cannot accept ${what}: port is 0`,
  );
}
