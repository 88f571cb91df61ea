/**
 * The parameter of an obfs: the hosts that it imitates connections to.
 *
 * @module
 */
import { randomBelow, type RandomBytes } from "../../../random.ts";

/**
 * Returns the names, which are separated by commas, without what follows `#`.
 */
export function hostsOf(param: string): string[] {
  return param.split("#")[0]!.split(",").map((host) => host.trim())
    .filter((host) => host !== "");
}

/** Returns one of the names at random; without names, the server's own. */
export function pickHost(
  param: string,
  server: string,
  randomBytes: RandomBytes,
): string {
  const hosts = hostsOf(param);
  return hosts[randomBelow(Math.max(1, hosts.length), randomBytes)] ?? server;
}
