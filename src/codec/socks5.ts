/**
 * The messages of SOCKS5.
 *
 * ```text
 * greeting   05 | n | methods n            selection  05 | method
 * auth       01 | n | name n | m | pass m  status     01 | 00 or 01
 * request    05 | cmd | 00 | address       reply      05 | rep | 00 | address
 * ```
 *
 * Every decoder reads the front of its input and returns `undefined` while the
 * message is incomplete.
 *
 * Source: RFC 1928 §3, §4, §6; RFC 1929 §2.
 *
 * @module
 */
import { concat } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { type Address, ATYP, decodeAddress, encodeAddress } from "./address.ts";

/** Authentication methods of RFC 1928 §3. */
export const SOCKS5_METHOD = {
  none: 0x00,
  gssapi: 0x01,
  password: 0x02,
  unacceptable: 0xff,
} as const;

/** Commands of RFC 1928 §4. */
export const SOCKS5_COMMAND = {
  connect: 0x01,
  bind: 0x02,
  udpAssociate: 0x03,
} as const;

/** Reply codes of RFC 1928 §6. */
export const REP = {
  succeeded: 0x00,
  generalFailure: 0x01,
  notAllowed: 0x02,
  networkUnreachable: 0x03,
  hostUnreachable: 0x04,
  connectionRefused: 0x05,
  ttlExpired: 0x06,
  commandNotSupported: 0x07,
  addressTypeNotSupported: 0x08,
} as const;

/** One of the {@link REP} codes. */
export type Rep = typeof REP[keyof typeof REP];

/** A decoded message and its length in bytes. */
export interface Decoded<T> {
  /** The decoded message. */
  readonly message: T;
  /** Bytes from the start of the input. */
  readonly length: number;
}

/** User name and password of RFC 1929, as sent. */
export interface Socks5Credentials {
  /** 0 to 255 bytes. */
  readonly username: Uint8Array;
  /** 0 to 255 bytes. */
  readonly password: Uint8Array;
}

/** The request of a client. */
export interface Socks5Request {
  /** One of {@link SOCKS5_COMMAND}, or an unknown value. */
  readonly command: number;
  /** The target. */
  readonly address: Address;
}

/**
 * Decodes the methods that a greeting offers.
 *
 * @returns 1 to 255 methods in a message of 3 to 257 bytes.
 * @throws {ProtocolError} `ERR_SOCKS_VERSION`; `ERR_SOCKS_NO_METHOD` if it
 * offers none.
 */
export function decodeGreeting(
  bytes: Uint8Array,
): Decoded<Uint8Array> | undefined {
  checkVersion(bytes, 0x05, "greeting");
  if (bytes.length < 2) return undefined;
  const length = 2 + bytes[1]!;
  if (length === 2) {
    throw new ProtocolError(
      "ERR_SOCKS_NO_METHOD",
      "Cannot decode SOCKS greeting: it offers no method",
    );
  }
  if (bytes.length < length) return undefined;
  return { message: bytes.slice(2, length), length };
}

/** Encodes the answer to a greeting: 2 bytes. */
export function encodeSelection(method: number): Uint8Array {
  return Uint8Array.of(0x05, method);
}

/**
 * Decodes user name and password. Empty ones are accepted although the RFC
 * requires at least one byte, because some clients send them.
 *
 * @returns A message of 3 to 513 bytes.
 * @throws {ProtocolError} `ERR_SOCKS_VERSION` (this sub-protocol is version 1).
 */
export function decodeCredentials(
  bytes: Uint8Array,
): Decoded<Socks5Credentials> | undefined {
  checkVersion(bytes, 0x01, "user/password message");
  if (bytes.length < 2) return undefined;
  const nameEnd = 2 + bytes[1]!;
  if (bytes.length <= nameEnd) return undefined;
  const length = nameEnd + 1 + bytes[nameEnd]!;
  if (bytes.length < length) return undefined;
  const username = bytes.slice(2, nameEnd);
  const password = bytes.slice(nameEnd + 1, length);
  return { message: { username, password }, length };
}

/** Encodes the answer to user name and password: 2 bytes. */
export function encodeCredentialsStatus(accepted: boolean): Uint8Array {
  return Uint8Array.of(0x01, accepted ? 0x00 : 0x01);
}

/**
 * Decodes a request.
 *
 * @returns A message of 10 to 262 bytes.
 * @throws {ProtocolError} `ERR_SOCKS_VERSION`; `ERR_SOCKS_ADDRESS_TYPE`;
 * `ERR_SOCKS_MALFORMED` for an invalid name.
 */
export function decodeRequest(
  bytes: Uint8Array,
): Decoded<Socks5Request> | undefined {
  checkVersion(bytes, 0x05, "request");
  if (bytes.length < 4) return undefined;
  const decoded = decodeSocksAddress(bytes.subarray(3), "request");
  if (decoded === undefined) return undefined;
  return {
    message: { command: bytes[1]!, address: decoded.address },
    length: 3 + decoded.length,
  };
}

/**
 * Encodes a reply.
 *
 * @param rep The result of the request.
 * @param bound The local address of the connection for the request; default
 * 0.0.0.0:0.
 * @returns 10 to 262 bytes. Failures have the full form too, because clients
 * hang on a short one.
 */
export function encodeReply(
  rep: Rep,
  bound: Address = { host: "0.0.0.0", port: 0 },
): Uint8Array {
  return concat(Uint8Array.of(0x05, rep, 0x00), encodeAddress(bound));
}

/**
 * Decodes the address of a SOCKS message, with SOCKS error codes.
 *
 * @param bytes From ATYP on; at least one byte.
 * @param message The kind of message, for the text of an error.
 * @returns `undefined` if more bytes are needed.
 * @throws {ProtocolError} `ERR_SOCKS_ADDRESS_TYPE`; `ERR_SOCKS_MALFORMED` for
 * an invalid name.
 */
export function decodeSocksAddress(
  bytes: Uint8Array,
  message: "request" | "datagram",
): { address: Address; length: number } | undefined {
  const atyp = bytes[0]!;
  if (atyp !== ATYP.ipv4 && atyp !== ATYP.name && atyp !== ATYP.ipv6) {
    throw new ProtocolError(
      "ERR_SOCKS_ADDRESS_TYPE",
      `Cannot decode SOCKS ${message}: unknown address type 0x${
        atyp.toString(16)
      }`,
    );
  }
  try {
    return decodeAddress(bytes);
  } catch (cause) {
    throw new ProtocolError(
      "ERR_SOCKS_MALFORMED",
      `Cannot decode SOCKS ${message}: invalid name`,
      { cause },
    );
  }
}

function checkVersion(
  bytes: Uint8Array,
  version: number,
  message: string,
): void {
  if (bytes.length > 0 && bytes[0] !== version) {
    throw new ProtocolError(
      "ERR_SOCKS_VERSION",
      `Cannot decode SOCKS ${message}: got version ${
        bytes[0]
      }, expected ${version}`,
    );
  }
}
