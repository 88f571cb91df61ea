/**
 * Names and addresses as the system sees them.
 *
 * @module
 */
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import { abortable } from "../../clock.ts";
import { TransportError } from "../../errors.ts";
import type { WaitOptions } from "../../transport.ts";
import { toTransportError } from "./_errors.ts";

/**
 * Looks a name up with getaddrinfo; implements `Transport.resolve`.
 *
 * @returns Each address once, in the system's order.
 */
export async function resolve(
  host: string,
  { signal }: WaitOptions = {},
): Promise<string[]> {
  signal?.throwIfAborted();
  if (isIP(host) !== 0) return [host];
  const addresses = await abortable(look(host), signal);
  if (addresses.length > 0) return addresses;
  throw new TransportError("ERR_NET_NAME_NOT_FOUND", "Name has no address");
}

/** Shows `::ffff:192.0.2.1`, a peer of a dual-stack socket, as plain IPv4. */
export function plainAddress(host: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host;
}

async function look(host: string): Promise<string[]> {
  if (host === "") return [];
  try {
    const found = await lookup(host, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw toTransportError(error, `resolve ${host}`);
  }
}
