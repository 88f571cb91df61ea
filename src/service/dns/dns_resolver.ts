/**
 * How a resolver is named.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";

/** A resolver, and its protocol. */
export interface DnsResolver extends Endpoint {
  /**
   * `tls`: DNS over TLS (RFC 7858). `https`: DNS over HTTPS (RFC 8484). Default:
   * plain DNS over UDP and TCP, of an IP address.
   */
  readonly protocol?: "tls" | "https" | undefined;
  /** The path and query for `https`, beginning with a slash. */
  readonly path?: string | undefined;
}

/** Formats a resolver as on a command line. */
export function formatResolver(resolver: DnsResolver): string {
  const { protocol, path = "" } = resolver;
  const address = formatAddress(resolver);
  return protocol === undefined ? address : `${protocol}://${address}${path}`;
}
