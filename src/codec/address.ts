/**
 * The address of a target in the form of SOCKS5 and Shadowsocks.
 *
 * ```text
 * ATYP 1 | 0x01: 4 bytes | 0x03: length 1, name | 0x04: 16 bytes | port 2
 * ```
 *
 * Source: RFC 1928 §5; Shadowsocks "Addressing".
 *
 * @module
 */
import { cutBytes, readU16, viewOf, writeU16 } from "../bytes.ts";
import { ConfigError, ProtocolError } from "../errors.ts";
import { formatIp, parseIp } from "./ip_address.ts";

/** ATYP values of RFC 1928 §5. */
export const ATYP = { ipv4: 0x01, name: 0x03, ipv6: 0x04 } as const;

/** The address of a target. */
export interface Address {
  /** An IP address as text without brackets, or a name of 1 to 255 bytes. */
  readonly host: string;
  /** 0 to 65,535. */
  readonly port: number;
}

/**
 * Decodes the address at the front of `bytes`.
 *
 * @returns The address and its length in bytes (7 to 259); `undefined` if more
 * bytes are needed.
 * @throws {ProtocolError} `ERR_SS_ADDRESS_TYPE`; `ERR_SS_ADDRESS_INVALID` for a
 * name that is empty, not UTF-8, or contains spaces or control characters.
 */
export function decodeAddress(
  bytes: Uint8Array,
): { address: Address; length: number } | undefined {
  if (bytes.length < 2) return undefined;
  const hostStart = bytes[0] === ATYP.name ? 2 : 1;
  const length = hostStart + hostLength(bytes) + 2;
  if (bytes.length < length) return undefined;
  const hostBytes = viewOf(bytes, hostStart, length - 2);
  const host = bytes[0] === ATYP.name
    ? decodeName(hostBytes)
    : formatIp(hostBytes);
  return { address: { host, port: readU16(bytes, length - 2) }, length };
}

/**
 * Encodes an address; an IP address is written in its binary form.
 *
 * @returns 7 to 259 new bytes.
 * @throws {RangeError} If the name or the port does not fit its field.
 */
export function encodeAddress(address: Address): Uint8Array {
  const { host, port } = address;
  if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
    throw new RangeError(`Cannot encode port: ${port} is not 0 to 65535`);
  }
  const ip = parseIp(host);
  const name = ip ?? new TextEncoder().encode(host);
  if (name.length < 1 || name.length > 255) {
    throw new RangeError(
      `Cannot encode name: ${name.length} bytes, not 1..255`,
    );
  }
  const start = ip === undefined ? 2 : 1;
  const out = cutBytes(start + name.length + 2);
  if (ip === undefined) {
    out[0] = ATYP.name;
    out[1] = name.length;
  } else out[0] = ip.length === 4 ? ATYP.ipv4 : ATYP.ipv6;
  out.set(name, start);
  writeU16(out, out.length - 2, port);
  return out;
}

/** Formats `host:port`, with brackets around an IPv6 address. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Parses `host:port`, with brackets around an IPv6 address.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if the text is not such an address.
 */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([^[\]]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(text);
  const [, ipv6, host, port] = match ?? [];
  const isValid = match !== null && Number(port) <= 0xffff &&
    (ipv6 === undefined || parseIp(ipv6)?.length === 16);
  if (!isValid) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `Cannot read address ${JSON.stringify(text)}: expected HOST:PORT, an ` +
        "IPv6 address in brackets",
    );
  }
  return { host: ipv6 ?? host!, port: Number(port) };
}

function hostLength(bytes: Uint8Array): number {
  switch (bytes[0]) {
    case ATYP.ipv4:
      return 4;
    case ATYP.ipv6:
      return 16;
    case ATYP.name:
      return bytes[1]!;
    default:
      throw new ProtocolError(
        "ERR_SS_ADDRESS_TYPE",
        `Cannot decode address: unknown type 0x${bytes[0]!.toString(16)}`,
      );
  }
}

function decodeName(bytes: Uint8Array): string {
  let name: string;
  try {
    name = UTF8.decode(bytes);
  } catch (cause) {
    throw invalidName("not UTF-8", { cause });
  }
  if (name === "") throw invalidName("empty");
  // deno-lint-ignore no-control-regex
  if (/[\x00-\x20\x7f]/.test(name)) {
    throw invalidName("a space or control character inside");
  }
  return name;
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function invalidName(reason: string, options?: ErrorOptions): ProtocolError {
  return new ProtocolError(
    "ERR_SS_ADDRESS_INVALID",
    `Cannot decode address: name is ${reason}`,
    options,
  );
}
