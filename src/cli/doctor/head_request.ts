/**
 * The request that shows if a target answers.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";

/** Returns an HTTP HEAD request for a target. */
export function headRequest({ host }: Address): Uint8Array {
  const name = host.includes(":") ? `[${host}]` : host;
  return new TextEncoder().encode(
    `HEAD / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
  );
}
