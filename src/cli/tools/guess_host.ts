/**
 * Guesses the address under which clients may reach this machine, for `ss://`
 * URIs.
 *
 * @module
 */
import { hostname, networkInterfaces } from "node:os";
import { publicTarget } from "../../security/target_policy.ts";

/**
 * Returns the first public address of this machine, else the first address of
 * its network, IPv4 before IPv6, else its name.
 */
export function guessHost(): string {
  try {
    const addresses = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ internal, address }) =>
        !internal && !address.startsWith("fe80:")
      )
      .map(({ address }) => address);
    return addresses.find((ip) => publicTarget(ip) === undefined) ??
      addresses.find((ip) => ip.includes(".")) ?? addresses[0] ?? hostname();
  } catch {
    // Deno without --allow-sys cannot list addresses.
    return "localhost";
  }
}
