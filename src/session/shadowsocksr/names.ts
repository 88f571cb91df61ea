/**
 * The names of protocols and disguises, and the bytes they add to a packet.
 *
 * @module
 */
import { badValue } from "../../errors.ts";

/** The layers inside the cipher, with the bytes they add to a packet. */
export const SSR_PROTOCOLS = {
  "origin": 0,
  "auth_sha1_v4": 7,
  "auth_aes128_md5": 9,
  "auth_aes128_sha1": 9,
  "auth_chain_a": 4,
  "auth_chain_b": 4,
  "auth_chain_c": 4,
  "auth_chain_d": 4,
  "auth_chain_e": 4,
} as const;

/** The layers outside the cipher, with the bytes they add to a packet. */
export const SSR_OBFS = {
  "plain": 0,
  "http_simple": 0,
  "http_post": 0,
  "random_head": 0,
  "tls1.2_ticket_auth": 5,
  "tls1.2_ticket_fastauth": 5,
} as const;

/** The name of a protocol. */
export type SsrProtocolName = keyof typeof SSR_PROTOCOLS;

/** The name of a disguise. */
export type SsrObfsName = keyof typeof SSR_OBFS;

/** A name in the configuration of a server. */
export interface ServerLayerName<N> {
  /** The name without the suffix. */
  readonly name: N;
  /** True if clients without the layer are served as well. */
  readonly isCompatible: boolean;
}

/**
 * Reads the name of a protocol, with or without `_compatible`.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`; the message lists all names.
 */
export function findSsrProtocol(
  name: string,
): ServerLayerName<SsrProtocolName> {
  return find(name, "protocol", SSR_PROTOCOLS);
}

/**
 * Reads the name of a disguise, with or without `_compatible`.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`; the message lists all names.
 */
export function findSsrObfs(name: string): ServerLayerName<SsrObfsName> {
  return find(name, "obfs", SSR_OBFS);
}

const SUFFIX = "_compatible";

function find<T extends object>(
  text: string,
  what: "protocol" | "obfs",
  table: T,
): ServerLayerName<keyof T & string> {
  const wanted = text.trim().toLowerCase();
  const isCompatible = wanted.endsWith(SUFFIX);
  const name = isCompatible ? wanted.slice(0, -SUFFIX.length) : wanted;
  if (Object.hasOwn(table, name)) {
    return { name: name as keyof T & string, isCompatible };
  }
  throw badValue(
    `Unknown ShadowsocksR ${what} ${JSON.stringify(text)}: expected one of ${
      Object.keys(table).join(", ")
    }`,
  );
}
