/**
 * The PROXY protocol: a header that a load balancer writes before a connection
 * or a datagram. It names the client.
 *
 * ```text
 * 1   PROXY TCP4 192.0.2.7 198.51.100.1 59321 8388 CR LF   at most 107 bytes
 *     PROXY TCP6 …, PROXY UNKNOWN …
 * 2   0d0a0d0a000d0a515549540a | version, command | family, protocol |
 *     length of the rest (2) | addresses and ports | fields: type, length (2), …
 * ```
 *
 * Cloudflare Spectrum writes another form before each datagram and each answer:
 * `56ec`, addresses of client and proxy (16 each), ports of both.
 *
 * Source: "The PROXY protocol", HAProxy, versions 1 and 2. Does not: decide who
 * may send the header.
 *
 * @module
 */
import { readU16 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_PROXY_BODY, MAX_PROXY_LINE } from "../limits.ts";
import type { Endpoint } from "../transport.ts";
import { crc32c } from "./checksum.ts";
import { formatIp, parseIp, unmapIpv4 } from "./ip_address.ts";

/** The content of a header. */
export interface ProxyHeader {
  /** The client; not set: the peer of the connection. */
  readonly client?: Endpoint;
  /** True for a health check: the proxy itself is the client. */
  readonly isLocal: boolean;
}

/** A header and its length in bytes. */
export interface ReadProxyHeader {
  readonly message: ProxyHeader;
  readonly length: number;
}

const LINE_START = Uint8Array.from("PROXY ", (one) => one.charCodeAt(0));
const SIGNATURE = Uint8Array.fromHex("0d0a0d0a000d0a515549540a");
const FIXED_LENGTH = 16;

/** Bytes of addresses and ports, indexed by the family's number. */
const ADDRESS_LENGTHS: readonly number[] = [0, 12, 36, 216];

/** Type of the field with the CRC-32C of the whole header. */
const CRC_FIELD = 0x03;

/**
 * Reads the header at the front of bytes.
 *
 * @param bytes Borrowed.
 * @param kind The kind of data after the header.
 * @returns `undefined` while the header is incomplete.
 * @throws {ProtocolError} `ERR_PROXY_HEADER` as soon as the bytes cannot become
 * a header.
 */
export function readProxyHeader(
  bytes: Uint8Array,
  kind: "stream" | "datagram" = "stream",
): ReadProxyHeader | undefined {
  if (startsAs(bytes, LINE_START)) return readLine(bytes);
  if (startsAs(bytes, SIGNATURE)) return readBinary(bytes, kind);
  throw badProxyHeader("it starts like neither version");
}

/** True if a datagram starts like a header of either version. */
export function hasProxyHeader(bytes: Uint8Array): boolean {
  return [LINE_START, SIGNATURE]
    .some((start) => bytes.length >= start.length && startsAs(bytes, start));
}

/** True if the common length of both arrays is equal. */
function startsAs(bytes: Uint8Array, start: Uint8Array): boolean {
  const length = Math.min(bytes.length, start.length);
  return bytes.subarray(0, length)
    .every((byte, i) => byte === start[i]);
}

function readLine(bytes: Uint8Array): ReadProxyHeader | undefined {
  const end = bytes.subarray(0, MAX_PROXY_LINE).indexOf(0x0a);
  if (end < 0) {
    if (bytes.length < MAX_PROXY_LINE) return undefined;
    throw badProxyHeader(`its line has more than ${MAX_PROXY_LINE} bytes`);
  }
  const line = String.fromCharCode(...bytes.subarray(0, end + 1));
  if (!line.endsWith("\r\n")) throw badProxyHeader("its line ends without CR");
  const length = line.length;
  const [, family, ...rest] = line.slice(0, -2).split(" ");
  if (family === "UNKNOWN") return { message: { isLocal: false }, length };
  const size = family === "TCP4" || family === "UDP4"
    ? 4
    : family === "TCP6" || family === "UDP6"
    ? 16
    : undefined;
  const [source = "", target = "", port = "", targetPort = "", more] = rest;
  const [ip, targetIp] = [parseIp(source), parseIp(target)];
  const isRight = more === undefined && ip?.length === size &&
    targetIp?.length === size && isPort(port) && isPort(targetPort);
  if (!isRight) throw badProxyHeader("its line has no two addresses and ports");
  return {
    message: { client: endpoint(ip!, Number(port)), isLocal: false },
    length,
  };
}

function isPort(text: string): boolean {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 0xffff;
}

function readBinary(
  bytes: Uint8Array,
  kind: "stream" | "datagram",
): ReadProxyHeader | undefined {
  const [command, transport] = [bytes[12], bytes[13]];
  if (command === undefined) return undefined;
  if (command !== 0x20 && command !== 0x21) {
    throw badProxyHeader("its version or command is unknown");
  }
  if (transport === undefined) return undefined;
  const isLocal = command === 0x20;
  const family = transport >>> 4;
  const addressLength = ADDRESS_LENGTHS[family];
  const protocol = kind === "stream" ? 1 : 2;
  const isKnown = transport === 0 ||
    (transport & 0xf) === protocol && family > 0;
  if (addressLength === undefined || !isLocal && !isKnown) {
    throw badProxyHeader("its family or protocol does not match");
  }
  if (bytes.length < FIXED_LENGTH) return undefined;
  const bodyLength = readU16(bytes, 14);
  if (bodyLength > MAX_PROXY_BODY) {
    throw badProxyHeader(
      `${bodyLength} bytes follow, more than ${MAX_PROXY_BODY}`,
    );
  }
  if (bodyLength < addressLength) {
    throw badProxyHeader("it has no room for addresses");
  }
  const length = FIXED_LENGTH + bodyLength;
  if (bytes.length < length) return undefined;
  const header = bytes.subarray(0, length);
  checkFields(header, FIXED_LENGTH + addressLength);
  const ipLength = family === 1 ? 4 : family === 2 ? 16 : 0;
  if (isLocal || ipLength === 0) return { message: { isLocal }, length };
  const ip = header.slice(FIXED_LENGTH, FIXED_LENGTH + ipLength);
  const port = readU16(header, FIXED_LENGTH + 2 * ipLength);
  return { message: { client: endpoint(ip, port), isLocal }, length };
}

/** Checks the fields; a checksum must be correct. */
function checkFields(header: Uint8Array, from: number): void {
  for (let at = from; at < header.length;) {
    if (header.length - at < 3) throw badProxyHeader("a field is cut off");
    const [type, length] = [header[at], readU16(header, at + 1)];
    const value = at + 3;
    at = value + length;
    if (at > header.length) throw badProxyHeader("a field is cut off");
    if (type === CRC_FIELD) checkSum(header, value, length);
  }
}

function checkSum(header: Uint8Array, at: number, length: number): void {
  if (length !== 4) throw badProxyHeader("its checksum is not 4 bytes");
  const cleared = header.slice();
  cleared.fill(0, at, at + 4);
  const told = readU16(header, at) * 0x10000 + readU16(header, at + 2);
  if (crc32c(cleared) !== told) throw badProxyHeader("its checksum is wrong");
}

/** Bytes of the Cloudflare Spectrum header. */
export const SPECTRUM_LENGTH: number = 2 + 16 + 16 + 2 + 2;

const SPECTRUM_MAGIC = 0x56ec;

/**
 * Reads the client in the Cloudflare Spectrum header before a datagram.
 *
 * @returns `undefined` if there is no such header.
 */
export function readSpectrumHeader(bytes: Uint8Array): Endpoint | undefined {
  if (bytes.length < SPECTRUM_LENGTH) return undefined;
  if (readU16(bytes, 0) !== SPECTRUM_MAGIC) return undefined;
  return endpoint(bytes.slice(2, 18), readU16(bytes, 34));
}

function endpoint(ip: Uint8Array, port: number): Endpoint {
  return { host: formatIp(unmapIpv4(ip)), port };
}

/** Returns the error of a header that cannot be used. */
export function badProxyHeader(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_PROXY_HEADER",
    `Cannot read the PROXY header: ${what}`,
  );
}
