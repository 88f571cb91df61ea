/**
 * Questions to routes, and the answers of conditions.
 *
 * @module
 */

/** A question about a connection, a datagram, or a DNS query. */
export interface RouteQuestion {
  /**
   * The target's name in lower case ASCII; `undefined` for an address without a
   * known name.
   */
  readonly name?: string | undefined;
  /**
   * True if the target is an address even though a name is set, which comes
   * from DNS or from the client's first bytes. Default: false.
   */
  readonly isAddress?: boolean | undefined;
  /**
   * The target's address, or the addresses of its name; 4 or 16 bytes each.
   * `undefined` if the name was not resolved yet; empty if the addresses are
   * not known and will not be.
   */
  readonly addresses?: readonly Uint8Array[] | undefined;
  /** The port of the target, 1 to 65,535; `undefined` for a DNS query. */
  readonly port: number | undefined;
  /** The network; `undefined` for a DNS query. */
  readonly network: "tcp" | "udp" | undefined;
  /** Address of the client, 4 or 16 bytes. */
  readonly source?: Uint8Array | undefined;
  /** Name of the user that authenticated. */
  readonly user?: string | undefined;
  /** `host:port` of the listener that the client used. */
  readonly inbound?: string | undefined;
}

/** The reason why a condition matches. */
export interface RouteHit {
  /**
   * The name of the condition in the configuration: `domain_suffix`, `ip_cidr`,
   * …
   */
  readonly condition: string;
  /** The value as it is written. */
  readonly value: string;
  /** Name of the list; `undefined` for the configuration itself. */
  readonly list?: string | undefined;
  /** The line in the file, from 1; 0 or `undefined` if there is none. */
  readonly line?: number | undefined;
}

/** The answer depends on the addresses of a name that was not resolved. */
export const NEEDS_ADDRESSES: unique symbol = Symbol("needs addresses");

/** The answer depends on a port or a network that is not known. */
export const NOT_TOLD: unique symbol = Symbol("not told");

/** The reason why a condition matches; `undefined` if it does not. */
export type RouteAnswer =
  | RouteHit
  | typeof NEEDS_ADDRESSES
  | typeof NOT_TOLD
  | undefined;
