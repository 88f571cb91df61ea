/**
 * A transport that returns the IPv6 addresses of names first.
 *
 * @module
 */
import type { Transport } from "../../transport.ts";

/** Returns the same transport with another order of addresses. */
export function preferIpv6(transport: Transport): Transport {
  return {
    ...transport,
    async resolve(host, options): Promise<string[]> {
      const ips = await transport.resolve(host, options);
      const isIpv6 = (ip: string): boolean => ip.includes(":");
      return [...ips.filter(isIpv6), ...ips.filter((ip) => !isIpv6(ip))];
    },
  };
}
