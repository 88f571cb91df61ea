/**
 * True if what is known of one server is true of the other: it is the same one,
 * with the same keys.
 *
 * @module
 */
import { equalBytes } from "../../../bytes.ts";
import type { UpstreamServer } from "../shadowsocks.ts";

/** Compares everything but names and weights. */
export function sameServer(a: UpstreamServer, b: UpstreamServer): boolean {
  return a.endpoint.host === b.endpoint.host &&
    a.endpoint.port === b.endpoint.port &&
    a.method === b.method &&
    equalBytes(a.masterKey, b.masterKey) &&
    sameKeys(a.identityKeys, b.identityKeys) &&
    a.ssr === b.ssr &&
    a.running === b.running;
}

function sameKeys(
  a: UpstreamServer["identityKeys"] = [],
  b: UpstreamServer["identityKeys"] = [],
): boolean {
  return a.length === b.length && a.every((key, i) => equalBytes(key, b[i]!));
}
