/**
 * IP addresses in the form of the kernel.
 *
 * Wire form: `struct sockaddr_in`: family (2, the machine's order), port (2,
 * network order), address (4), zeros (8). `struct sockaddr_in6`: family (2),
 * port (2), flow (4), address (16), scope (4).
 *
 * @module
 */
import { isIPv4, isIPv6 } from "node:net";
import { TransportError } from "../../../errors.ts";
import { MAX_KNOWN_ADDRESSES } from "../../../limits.ts";
import type { Endpoint } from "../../../transport.ts";
import { AF_INET, AF_INET6, c, checked } from "./libc.ts";

/** Length of `struct sockaddr_in6` in bytes, the longer of the two. */
export const ADDRESS_LENGTH: number = 2 + 2 + 4 + 16 + 4;

/** Length of `struct sockaddr_in` in bytes. */
const IPV4_LENGTH = 2 + 2 + 4 + 8;

/** The first 12 bytes of an IPv4 address in a dual-stack socket. */
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff);

/** Returns the family of an address. */
export function familyOf(host: string): number {
  return host.includes(":") ? AF_INET6 : AF_INET;
}

/**
 * Encodes an endpoint.
 *
 * @param family The family of the socket that uses the address.
 * @throws {TransportError} `ERR_NET_UNREACHABLE` for an IPv6 address with an
 * IPv4 socket.
 */
export function encodeAddress(
  { host, port }: Endpoint,
  family: number = familyOf(host),
): Uint8Array {
  const isIpv6 = family === AF_INET6;
  const bytes = new Uint8Array(isIpv6 ? ADDRESS_LENGTH : IPV4_LENGTH);
  bytes[0] = family;
  bytes[2] = port >> 8;
  bytes[3] = port;
  if (isIPv4(host)) {
    if (isIpv6) bytes.set(MAPPED, 8);
    writeIpv4(host, bytes, isIpv6 ? 20 : 4);
  } else if (!isIPv6(host)) {
    throw new TransportError("ERR_NET_NAME_NOT_FOUND", `No address: ${host}`);
  } else if (!isIpv6) {
    throw new TransportError(
      "ERR_NET_UNREACHABLE",
      `Cannot reach ${host}: the socket is of IPv4`,
    );
  } else writeIpv6(host, bytes);
  return bytes;
}

/**
 * Decodes an endpoint. An IPv4 address is plain, also in a dual-stack socket.
 *
 * @param at The offset of the first byte.
 */
export function decodeAddress(bytes: Uint8Array, at = 0): Endpoint {
  const port = bytes[at + 2]! << 8 | bytes[at + 3]!;
  if (bytes[at] === AF_INET) return { host: ipv4(bytes, at + 4), port };
  const host = isMapped(bytes, at) ? ipv4(bytes, at + 20) : ipv6(bytes, at + 8);
  return { host, port };
}

/** Decoded endpoints, by address and port as one number. */
const KNOWN = new Map<number, Endpoint>();

/**
 * Decodes an endpoint like {@link decodeAddress}. A repeated IPv4 endpoint
 * gives the same object.
 */
export function decodeKnown(bytes: Uint8Array, at: number): Endpoint {
  const ip = bytes[at] === AF_INET ? at + 4 : at + 20;
  if (ip === at + 20 && !isMapped(bytes, at)) return decodeAddress(bytes, at);
  const key = ((bytes[ip]! << 24 | bytes[ip + 1]! << 16 |
        bytes[ip + 2]! << 8 | bytes[ip + 3]!) >>> 0) * 65_536 +
    (bytes[at + 2]! << 8 | bytes[at + 3]!);
  const known = KNOWN.get(key);
  if (known !== undefined) return known;
  if (KNOWN.size >= MAX_KNOWN_ADDRESSES) KNOWN.clear();
  const endpoint = decodeAddress(bytes, at);
  KNOWN.set(key, endpoint);
  return endpoint;
}

function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < MAPPED.length; i++) {
    if (bytes[at + 8 + i] !== MAPPED[i]) return false;
  }
  return true;
}

const OUT = new Uint8Array(ADDRESS_LENGTH);
const OUT_LENGTH = new Uint8Array(4);

/**
 * Returns memory for calls that return an address. It is valid until the next
 * call.
 */
export function addressRoom(): [Uint8Array, Uint8Array] {
  OUT_LENGTH[0] = ADDRESS_LENGTH;
  return [OUT, OUT_LENGTH];
}

/** Returns the address to which a socket is bound. */
export function boundTo(descriptor: number): Endpoint {
  checked(c.getsockname(descriptor, ...addressRoom()), "ask for an address");
  return decodeAddress(OUT);
}

/** Writes an IPv4 address over four bytes of zero. */
function writeIpv4(host: string, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i);
    if (code === DOT) at++;
    else bytes[at] = bytes[at]! * 10 + code - ZERO;
  }
}

const [DOT, ZERO] = [0x2e, 0x30];

/** Writes the parts before and after `::`, with zeros between them. */
function writeIpv6(host: string, bytes: Uint8Array): void {
  const [address, scope = "0"] = host.split("%");
  const [head, tail] = address!.split("::").map(groups);
  [
    ...head!,
    ...Array(8 - head!.length - (tail?.length ?? 0)).fill(0),
    ...tail ?? [],
  ]
    .forEach((group: number, i) => {
      bytes[8 + 2 * i] = group >> 8;
      bytes[9 + 2 * i] = group;
    });
  // A scope may be the number of an interface; names of interfaces are left to
  // the system.
  new DataView(bytes.buffer).setUint32(24, Number(scope) || 0, true);
}

function groups(text: string): number[] {
  if (text === "") return [];
  return text.split(":").flatMap((group) => {
    if (!group.includes(".")) return [parseInt(group, 16)];
    const [a, b, c, d] = group.split(".").map(Number);
    return [a! << 8 | b!, c! << 8 | d!];
  });
}

function ipv4(bytes: Uint8Array, at: number): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`;
}

function ipv6(bytes: Uint8Array, at: number): string {
  const parts: string[] = [];
  for (let i = at; i < at + 16; i += 2) {
    parts.push((bytes[i]! << 8 | bytes[i + 1]!).toString(16));
  }
  // The shortest form (RFC 5952), as the runtimes write it.
  return new URL(`http://[${parts.join(":")}]`).hostname.slice(1, -1);
}
