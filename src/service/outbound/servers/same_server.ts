/**
 * Compares servers, so that their health is kept over a reload.
 *
 * @module
 */
import { equalBytes, NOTHING } from "../../../bytes.ts";
import type { UpstreamServer } from "../shadowsocks.ts";

/**
 * True if both are the same server with the same keys; names and weights are
 * ignored.
 */
export function sameServer(a: UpstreamServer, b: UpstreamServer): boolean {
  const { through: one } = a;
  const { through: other } = b;
  const isSameWay = one === undefined || other === undefined
    ? one === other
    : sameServer(one, other);
  return isSameWay && a.endpoint.host === b.endpoint.host &&
    a.endpoint.port === b.endpoint.port &&
    a.method === b.method &&
    equalBytes(a.masterKey, b.masterKey) &&
    sameKeys(a.identityKeys, b.identityKeys) &&
    sameKeys(prefixes(a), prefixes(b)) &&
    JSON.stringify(a.transport) === JSON.stringify(b.transport) &&
    a.ssr === b.ssr &&
    a.running === b.running;
}

function prefixes(
  { saltPrefix, packetSaltPrefix }: UpstreamServer,
): Uint8Array[] {
  return [saltPrefix ?? NOTHING, packetSaltPrefix ?? NOTHING];
}

function sameKeys(
  a: UpstreamServer["identityKeys"] = [],
  b: UpstreamServer["identityKeys"] = [],
): boolean {
  return a.length === b.length && a.every((key, i) => equalBytes(key, b[i]!));
}
