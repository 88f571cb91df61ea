/**
 * SOCKS5 BIND between two Umbras, inside a Shadowsocks stream.
 *
 * ```text
 * request   address "bind.umbra.invalid":1 | address of the expected peer
 * response  reply of RFC 1928 §6 | reply of RFC 1928 §6 | payload
 * ```
 *
 * A name under `.invalid` never resolves (RFC 6761 §6.4), so a server without
 * this extension answers as for an unreachable target.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { type Address, encodeAddress } from "./address.ts";

/** The target that means "accept one connection". */
export const BIND_TARGET: Address = { host: "bind.umbra.invalid", port: 1 };

/** True if a target means "accept one connection". */
export function isBindTarget({ host, port }: Address): boolean {
  return host === BIND_TARGET.host && port === BIND_TARGET.port;
}

/**
 * Encodes the bytes that follow the target.
 *
 * @param expected The peer that may connect; 0.0.0.0 or :: for any.
 * @param payload The bytes that the application sent after its request.
 */
export function encodeBindPayload(
  expected: Address,
  payload: Uint8Array,
): Uint8Array {
  return concat(encodeAddress(expected), payload);
}
