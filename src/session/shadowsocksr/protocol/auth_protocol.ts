/**
 * The common interface of the protocols `auth_*`: a header that authenticates
 * the client, then packets in both directions. Each protocol implements the
 * codecs of both.
 *
 * @module
 */
import { readU16 } from "../../../bytes.ts";
import { ProtocolError } from "../../../errors.ts";
import type { RandomBytes } from "../../../random.ts";
import type { ConnectionId } from "../../../security/connection_memory.ts";

/** Writes the packets of one direction. */
export interface PacketWriter {
  /** The most bytes of payload in one packet. */
  readonly unit: number;
  /**
   * Returns the most bytes of a packet.
   *
   * @param dataLength Bytes of its payload, at most a unit.
   */
  maxLength(dataLength: number): number;
  /**
   * Writes one packet.
   *
   * @param data At most a unit; may be empty.
   * @param burst Bytes of the whole write that it is part of.
   * @param out Room for the longest packet.
   * @returns The number of bytes written.
   */
  pack(data: Uint8Array, burst: number, out: Uint8Array): number;
}

/** Reads the packets of one direction. */
export interface PacketReader {
  /**
   * Takes the first packet.
   *
   * @returns Its payload and length; `undefined` if it is incomplete.
   * @throws {ProtocolError} `ERR_SSR_LENGTH`; `ERR_SS_AUTHENTICATION`.
   */
  take(bytes: Uint8Array): TakenPacket | undefined;
}

/** A packet that was taken. */
export interface TakenPacket {
  /** The payload, borrowed or new; may be empty. */
  readonly data: Uint8Array;
  /** Bytes of the packet. */
  readonly length: number;
}

/** The client's side of one connection, before the header. */
export interface AuthClient {
  /**
   * Writes the header.
   *
   * @param data The start of the stream.
   */
  header(data: Uint8Array): HeaderBytes;
  /** Writes the packets after the header. */
  readonly writer: PacketWriter;
  /** Reads the server's packets. */
  readonly reader: PacketReader;
}

/** A header that was written. */
export interface HeaderBytes {
  /** The bytes to send. */
  readonly bytes: Uint8Array;
  /** The number of bytes of the data that it contains. */
  readonly taken: number;
}

/** The server's side of one connection, before the header. */
export interface AuthServer {
  /**
   * Takes the header at the start.
   *
   * @returns `undefined` if it is incomplete.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION`, `ERR_SS_USER_UNKNOWN`,
   * `ERR_SSR_LENGTH`.
   */
  accept(bytes: Uint8Array): AuthHeader | undefined;
}

/** A header that was authenticated. */
export interface AuthHeader extends TakenPacket {
  /** The client's clock in seconds, 32 bits. */
  readonly stamp: number;
  /** The ids of the connection. */
  readonly id: ConnectionId;
  /** Reads the client's next packets. */
  readonly reader: PacketReader;
  /** Writes packets to the client. */
  readonly writer: PacketWriter;
}

/** Returns the bytes of the address in the data, as far as it shows them. */
export function headSize(data: Uint8Array): number {
  switch ((data[0] ?? 0) & 7) {
    case 1:
      return 1 + 4 + 2;
    case 4:
      return 1 + 16 + 2;
    case 3:
      return 1 + 1 + (data[1] ?? 0) + 2;
    default:
      return 30;
  }
}

/** Makes the error of a wrong key, a wrong protocol, or tampering. */
export function notAuthentic(protocol: string, what: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_AUTHENTICATION",
    `Cannot open ${what} of ${protocol}: it is not authentic`,
  );
}

/** Makes the error of an impossible length or padding. */
export function impossibleLength(
  protocol: string,
  length: number,
): ProtocolError {
  return new ProtocolError(
    "ERR_SSR_LENGTH",
    `Cannot open packet of ${protocol}: a length of ${length} is impossible`,
  );
}

/** Encodes four bytes, least significant first. */
export function u32le(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** Reads four bytes, least significant first. */
export function readU32le(bytes: Uint8Array, offset: number): number {
  return (readU16le(bytes, offset + 2) * 0x10000) + readU16le(bytes, offset);
}

/** Encodes two bytes, least significant first. */
export function u16le(value: number): Uint8Array {
  return Uint8Array.of(value & 0xff, value >>> 8);
}

/** Reads two bytes, least significant first. */
export function readU16le(bytes: Uint8Array, offset: number): number {
  return bytes[offset]! | (bytes[offset + 1]! << 8);
}

/** The order of bytes in the length of a long padding. */
export type ByteOrder = "big" | "little";

/**
 * Makes a padding that contains its length: `length | random`, or
 * `FF | length 2 | random` from 129 bytes on.
 *
 * @param length Bytes of the whole padding, at least 1.
 */
export function padding(
  length: number,
  order: ByteOrder,
  randomBytes: RandomBytes,
): Uint8Array {
  const out = new Uint8Array(length);
  const isLong = length > 128;
  out[0] = isLong ? 0xff : length;
  const [low, high] = u16le(length);
  if (isLong) out.set(order === "big" ? [high!, low!] : [low!, high!], 1);
  const start = isLong ? 3 : 1;
  out.set(randomBytes(length - start), start);
  return out;
}

/**
 * Reads the length of a padding.
 *
 * @param bytes The bytes from the padding on.
 * @returns `undefined` if there is no valid padding.
 */
export function paddingLength(
  bytes: Uint8Array,
  order: ByteOrder,
): number | undefined {
  if (bytes.length === 0) return undefined;
  const isLong = bytes[0] === 0xff;
  if (isLong && bytes.length < 3) return undefined;
  const length = !isLong
    ? bytes[0]!
    : order === "big"
    ? readU16(bytes, 1)
    : readU16le(bytes, 1);
  return length < (isLong ? 3 : 1) || length > bytes.length
    ? undefined
    : length;
}
