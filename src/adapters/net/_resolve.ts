/**
 * Resolves names with the system, and converts addresses.
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
 * Resolves a name with getaddrinfo; implements `Transport.resolve`.
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

/**
 * Converts `::ffff:192.0.2.1`, a peer of a dual-stack socket, to plain IPv4.
 */
export function plainAddress(host: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1] ?? host;
}

/**
 * Converts a name to the form of DNS (IDNA, UTS 46). The runtimes would leave
 * this to the system's resolver, or use rules of their own.
 *
 * @returns "" for an invalid name; an ASCII name is returned unchanged.
 */
function toAscii(host: string): string {
  // deno-lint-ignore no-control-regex
  if (/^[\x00-\x7f]*$/.test(host)) return host;
  // These characters would end the host of a URL, or be decoded in it.
  if (/[\s%/\\?#@:[\]]/.test(host)) return "";
  return URL.parse(`http://${host}`)?.hostname ?? "";
}

async function look(host: string): Promise<string[]> {
  const name = toAscii(host);
  if (name === "") return [];
  try {
    const found = await lookup(name, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (error) {
    throw toTransportError(error, `resolve ${host}`);
  }
}
