/**
 * How a resolver is named.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";

/** Who is asked, and what it speaks. */
export interface DnsResolver extends Endpoint {
  /**
   * `tls`: DNS over TLS (RFC 7858). `https`: DNS over HTTPS (RFC 8484). Default:
   * plain DNS over UDP and TCP, of an IP address.
   */
  readonly protocol?: "tls" | "https" | undefined;
  /** Of `https`: path and query, beginning with a slash. */
  readonly path?: string | undefined;
}

/** As it is written on a command line. */
export function formatResolver(resolver: DnsResolver): string {
  const { protocol, path = "" } = resolver;
  const address = formatAddress(resolver);
  return protocol === undefined ? address : `${protocol}://${address}${path}`;
}
