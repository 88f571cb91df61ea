/**
 * Hosts that are this machine.
 *
 * @module
 */
import { parseIp, unmapIpv4 } from "./ip_address.ts";

/**
 * True if only this machine can reach a host: an address of 127.0.0.0/8, `::1`,
 * or `localhost` (RFC 6761 §6.3). Any other name may resolve to another
 * machine.
 *
 * @param host Without brackets.
 */
export function isLoopback(host: string): boolean {
  if (host.toLowerCase() === "localhost") return true;
  const parsed = parseIp(host);
  if (parsed === undefined) return false;
  const bytes = unmapIpv4(parsed);
  return bytes.length === 4
    ? bytes[0] === 127
    : bytes.every((byte, i) => byte === (i === 15 ? 1 : 0));
}
