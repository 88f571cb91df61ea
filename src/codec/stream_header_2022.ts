/**
 * The plaintext headers of a stream of the 2022 edition.
 *
 * ```text
 * request:  fixed    = type 0 1 | unix seconds 8 | length 2
 *           variable = address 7..259 | padding length 2 | padding | payload
 * response: fixed    = type 1 1 | unix seconds 8 | request salt 16/32 | length 2
 * ```
 *
 * `length` is the length of the next unit: the variable header, or the first
 * payload chunk. All numbers are big-endian.
 *
 * Source: SIP022 §3.1.3.
 *
 * @module
 */
import { concat, readU16, writeU16 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { type Address, decodeAddress, encodeAddress } from "./address.ts";

/** First byte of a header: the kind of the sender. */
export const HEADER_TYPE = { request: 0, response: 1 } as const;

/** Bytes of the fixed header of a request. */
export const REQUEST_HEADER_LENGTH: number = 1 + 8 + 2;

/** Bytes of the fixed header of a response, without the salt. */
export const RESPONSE_HEADER_LENGTH: number = 1 + 8 + 2;

/** A fixed header of a request. */
export interface RequestHeader {
  /** The sender's time. */
  readonly unixSeconds: number;
  /** Bytes of the variable header. */
  readonly length: number;
}

/** A fixed header of a response. */
export interface ResponseHeader extends RequestHeader {
  /** Salt of the answered request; borrowed. */
  readonly requestSalt: Uint8Array;
}

/** Encodes the 11 bytes of a request's fixed header. */
export function encodeRequestHeader(header: RequestHeader): Uint8Array {
  const out = new Uint8Array(REQUEST_HEADER_LENGTH);
  out[0] = HEADER_TYPE.request;
  writeTimestamp(out, 1, header.unixSeconds);
  writeU16(out, 9, header.length);
  return out;
}

/**
 * Decodes the 11 bytes of a request's fixed header.
 *
 * @throws {ProtocolError} `ERR_SS_HEADER_TYPE`.
 */
export function decodeRequestHeader(bytes: Uint8Array): RequestHeader {
  checkType(bytes, HEADER_TYPE.request);
  return { unixSeconds: readTimestamp(bytes, 1), length: readU16(bytes, 9) };
}

/** Encodes a response's fixed header: 27 bytes, or 43 with a 32-byte salt. */
export function encodeResponseHeader(header: ResponseHeader): Uint8Array {
  const { unixSeconds, requestSalt, length } = header;
  const out = new Uint8Array(RESPONSE_HEADER_LENGTH + requestSalt.length);
  out[0] = HEADER_TYPE.response;
  writeTimestamp(out, 1, unixSeconds);
  out.set(requestSalt, 9);
  writeU16(out, out.length - 2, length);
  return out;
}

/**
 * Decodes a response's fixed header. The rest of its length is the salt.
 *
 * @throws {ProtocolError} `ERR_SS_HEADER_TYPE`.
 */
export function decodeResponseHeader(bytes: Uint8Array): ResponseHeader {
  checkType(bytes, HEADER_TYPE.response);
  return {
    unixSeconds: readTimestamp(bytes, 1),
    requestSalt: bytes.subarray(9, bytes.length - 2),
    length: readU16(bytes, bytes.length - 2),
  };
}

/**
 * Encodes the variable header of a request.
 *
 * @param paddingLength Bytes of padding. They are all zero, because they are
 * encrypted.
 * @throws {RangeError} If address, padding and payload exceed 65,535 bytes.
 */
export function encodeRequestBody(
  address: Address,
  paddingLength: number,
  payload: Uint8Array,
): Uint8Array {
  const padding = new Uint8Array(2 + paddingLength);
  writeU16(padding, 0, paddingLength);
  const body = concat(encodeAddress(address), padding, payload);
  if (body.length > 0xffff) {
    throw new RangeError(`Cannot encode request: ${body.length} bytes`);
  }
  return body;
}

/**
 * Decodes the variable header of a request.
 *
 * @throws {ProtocolError} `ERR_SS_PADDING` if the padding does not fit, or
 * there is neither padding nor payload; `ERR_SS_ADDRESS_TYPE`,
 * `ERR_SS_ADDRESS_INVALID`.
 */
export function decodeRequestBody(
  body: Uint8Array,
): { address: Address; payload: Uint8Array } {
  const decoded = decodeAddress(body);
  if (decoded === undefined) {
    throw new ProtocolError(
      "ERR_SS_ADDRESS_INVALID",
      `Cannot decode request: its header ends inside the address`,
    );
  }
  const rest = body.subarray(decoded.length);
  const paddingEnd = rest.length < 2 ? Infinity : 2 + readU16(rest, 0);
  if (paddingEnd > rest.length) {
    throw new ProtocolError(
      "ERR_SS_PADDING",
      "Cannot decode request: its header ends inside the padding",
    );
  }
  if (rest.length === 2) {
    throw new ProtocolError(
      "ERR_SS_PADDING",
      "Cannot decode request: it has neither payload nor padding",
    );
  }
  return { address: decoded.address, payload: rest.subarray(paddingEnd) };
}

/** Writes a time stamp: 8 bytes, whole seconds. */
export function writeTimestamp(
  bytes: Uint8Array,
  offset: number,
  unixSeconds: number,
): void {
  view(bytes).setBigUint64(offset, BigInt(unixSeconds));
}

/**
 * Reads a time stamp. Values above 2^53 lose precision, which does not matter
 * because they are never accepted.
 */
export function readTimestamp(bytes: Uint8Array, offset: number): number {
  return Number(view(bytes).getBigUint64(offset));
}

/**
 * Checks the first byte of a header.
 *
 * @throws {ProtocolError} `ERR_SS_HEADER_TYPE`.
 */
export function checkType(bytes: Uint8Array, expected: number): void {
  if (bytes[0] === expected) return;
  throw new ProtocolError(
    "ERR_SS_HEADER_TYPE",
    `Cannot decode header: its type is ${bytes[0]}, expected ${expected}`,
  );
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
