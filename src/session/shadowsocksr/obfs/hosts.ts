/**
 * The parameter of an obfs: whom it pretends to speak with.
 *
 * @module
 */
import { randomBelow, type RandomBytes } from "../../../random.ts";

/** Names that are separated by commas; what follows `#` is not among them. */
export function hostsOf(param: string): string[] {
  return param.split("#")[0]!.split(",").map((host) => host.trim())
    .filter((host) => host !== "");
}

/** One of the names at random, or else the server's own. */
export function pickHost(
  param: string,
  server: string,
  randomBytes: RandomBytes,
): string {
  const hosts = hostsOf(param);
  return hosts[randomBelow(Math.max(1, hosts.length), randomBytes)] ?? server;
}
