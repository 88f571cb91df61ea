/**
 * What is asked of routes, and what a condition answers.
 *
 * @module
 */

/** One connection, one datagram, or a name that DNS is asked for. */
export interface RouteQuestion {
  /**
   * The target's name, lower case ASCII; `undefined` for an address of which no
   * name is known.
   */
  readonly name?: string | undefined;
  /**
   * True if the target is an address all the same: the name is known from DNS,
   * or from what the client said first. Default: false.
   */
  readonly isAddress?: boolean | undefined;
  /**
   * The target's address or what its name resolved to, 4 or 16 bytes each.
   * `undefined`: the name was not resolved yet. Empty: nothing is known of its
   * addresses, and nothing will be.
   */
  readonly addresses?: readonly Uint8Array[] | undefined;
  /**
   * The port of the target, 1 to 65,535; `undefined` where only a name is asked
   * for.
   */
  readonly port: number | undefined;
  /** The network; `undefined` where only a name is asked for. */
  readonly network: "tcp" | "udp" | undefined;
  /** Address of the client, 4 or 16 bytes. */
  readonly source?: Uint8Array | undefined;
  /** Name with which the client has authenticated. */
  readonly user?: string | undefined;
  /** `host:port` of the listener that the client has reached. */
  readonly inbound?: string | undefined;
}

/** Why a condition holds. */
export interface RouteHit {
  /** The configuration's word: `domain_suffix`, `ip_cidr`, … */
  readonly condition: string;
  /** The value as it is written. */
  readonly value: string;
  /** Name of the list; `undefined` for the configuration itself. */
  readonly list?: string | undefined;
  /** Line of its file, from 1; 0 or `undefined` where there is none. */
  readonly line?: number | undefined;
}

/** The answer cannot be given before the name is resolved. */
export const NEEDS_ADDRESSES: unique symbol = Symbol("needs addresses");

/** The answer depends on what is not known yet: a port, a network. */
export const NOT_TOLD: unique symbol = Symbol("not told");

/** Why it holds; `undefined`: it does not. */
export type RouteAnswer =
  | RouteHit
  | typeof NEEDS_ADDRESSES
  | typeof NOT_TOLD
  | undefined;
