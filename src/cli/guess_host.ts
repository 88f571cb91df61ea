/**
 * Under what address others may reach this machine, for `ss://` URIs.
 *
 * @module
 */
import { hostname, networkInterfaces } from "node:os";

/**
 * The first address of the network that is not the machine's own; its name
 * where there is none, or none may be seen.
 */
export function guessHost(): string {
  try {
    const addresses = Object.values(networkInterfaces()).flat();
    const outer = addresses.find((one) =>
      one !== undefined && !one.internal && !one.address.startsWith("fe80:")
    );
    return outer?.address ?? hostname();
  } catch {
    // Deno without --allow-sys: a guess was asked for, and this is none.
    return "localhost";
  }
}
