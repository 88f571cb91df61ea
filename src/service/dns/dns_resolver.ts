/**
 * Names a resolver.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";

/** A resolver and its protocol. */
export interface DnsResolver extends Endpoint {
  /**
   * `tls` is DNS over TLS (RFC 7858), `https` is DNS over HTTPS (RFC 8484).
   * Default: plain DNS over UDP and TCP; the host must be an IP address then.
   */
  readonly protocol?: "tls" | "https" | undefined;
  /** The path and query for `https`, starting with a slash. */
  readonly path?: string | undefined;
}

/** Formats a resolver in the syntax of the command line. */
export function formatResolver(resolver: DnsResolver): string {
  const { protocol, path = "" } = resolver;
  const address = formatAddress(resolver);
  return protocol === undefined ? address : `${protocol}://${address}${path}`;
}
