/**
 * Under what address others may reach this machine, for `ss://` URIs.
 *
 * @module
 */
import { hostname, networkInterfaces } from "node:os";
import { publicTarget } from "../../security/target_policy.ts";

/**
 * The first public address of this machine, else the first that is not its own
 * alone, of IPv4 if it can be; its name where there is none.
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
    // Deno without --allow-sys: a guess was asked for, and this is none.
    return "localhost";
  }
}
