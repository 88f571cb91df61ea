/**
 * The header of SOCKS5 datagrams, in both directions.
 *
 * ```text
 * reserved 2 | FRAG 1 | address | payload
 * ```
 *
 * Source: RFC 1928 §7. Does not: reassemble fragments, which the RFC makes
 * optional and proxies do not support.
 *
 * @module
 */
import { cutBytes, viewOf } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { type Address, encodeAddress } from "./address.ts";
import { decodeSocksAddress } from "./socks5.ts";

/** One datagram between an application and its proxy. */
export interface SocksDatagram {
  /** From the application: the target. To the application: the sender. */
  readonly address: Address;
  /** 0 bytes or more. */
  readonly payload: Uint8Array;
}

/**
 * Decodes a datagram; the reserved bytes may have any value.
 *
 * @param bytes Borrowed; the payload is a view of it.
 * @throws {ProtocolError} `ERR_SOCKS_FRAGMENT`, `ERR_SOCKS_ADDRESS_TYPE`;
 * `ERR_SOCKS_TRUNCATED` if the header is incomplete; `ERR_SOCKS_MALFORMED` for
 * an invalid name and for port 0.
 */
export function decodeSocksDatagram(bytes: Uint8Array): SocksDatagram {
  if (bytes.length < 4) throw truncated(bytes);
  if (bytes[2] !== 0) throw refusal("ERR_SOCKS_FRAGMENT", "it is a fragment");
  const decoded = decodeSocksAddress(viewOf(bytes, 3), "datagram");
  if (decoded === undefined) throw truncated(bytes);
  const { address, length } = decoded;
  if (address.port === 0) throw refusal("ERR_SOCKS_MALFORMED", "port is 0");
  return { address, payload: viewOf(bytes, 3 + length) };
}

/**
 * Encodes a datagram.
 *
 * @returns A header of 10, 22 or 7 + name bytes, then the payload.
 */
export function encodeSocksDatagram(
  { address, payload }: SocksDatagram,
): Uint8Array {
  const source = encodeAddress(address);
  const bytes = cutBytes(3 + source.length + payload.length);
  bytes.set(source, 3);
  bytes.set(payload, 3 + source.length);
  return bytes;
}

function truncated({ length }: Uint8Array): ProtocolError {
  return refusal("ERR_SOCKS_TRUNCATED", `${length} bytes are too few`);
}

function refusal(
  code: ProtocolError["code"],
  reason: string,
): ProtocolError {
  return new ProtocolError(code, `Cannot decode SOCKS datagram: ${reason}`);
}
