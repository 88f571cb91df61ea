/**
 * Refuses target port 0, which codecs accept but no server can serve.
 *
 * @module
 */
import type { Address } from "../codec/address.ts";
import { ProtocolError } from "../errors.ts";

/**
 * Refuses port 0.
 *
 * @param what `request` or `packet`, for the message.
 * @throws {ProtocolError} `ERR_SS_ADDRESS_INVALID`.
 */
export function checkTargetPort(
  { port }: Address,
  what: "request" | "packet",
): void {
  if (port !== 0) return;
  throw new ProtocolError(
    "ERR_SS_ADDRESS_INVALID",
    `Cannot accept ${what}: its port is 0`,
  );
}
