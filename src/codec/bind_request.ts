/**
 * SOCKS5 BIND between two Umbras, as it is written inside a Shadowsocks
 * stream.
 *
 * ```text
 * request   address "bind.umbra.invalid":1 | address of the expected peer
 * response  reply of RFC 1928 §6 | reply of RFC 1928 §6 | payload
 * ```
 *
 * A name under `.invalid` never resolves (RFC 6761 §6.4): to a server that
 * does not know this it is a target that cannot be reached.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { type Address, encodeAddress } from "./address.ts";

/** Target that stands for "accept one connection". */
export const BIND_TARGET: Address = { host: "bind.umbra.invalid", port: 1 };

/** True if a target stands for "accept one connection". */
export function isBindTarget({ host, port }: Address): boolean {
  return host === BIND_TARGET.host && port === BIND_TARGET.port;
}

/**
 * Writes what follows the target.
 *
 * @param expected Who is to connect; 0.0.0.0 or :: for anybody.
 * @param payload What the application sent behind its request.
 */
export function encodeBindPayload(
  expected: Address,
  payload: Uint8Array,
): Uint8Array {
  return concat(encodeAddress(expected), payload);
}
