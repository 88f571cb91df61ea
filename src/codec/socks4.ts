/**
 * The messages of SOCKS4 and SOCKS4a.
 *
 * ```text
 * request  04 | cmd | port 2 | IPv4 4 | USERID ... 00            SOCKS4
 * request  04 | cmd | port 2 | 0.0.0.x | USERID ... 00 | HOST ... 00   4a
 * reply    00 | 5A granted or 5B refused | 00 * 6
 * ```
 *
 * Source: "SOCKS: A protocol for TCP proxy across firewalls" (Ying-Da Lee) and
 * "SOCKS 4A: A Simple Extension to SOCKS 4 Protocol".
 *
 * @module
 */
import { concat, readU16 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_SOCKS4_FIELD_LENGTH } from "../limits.ts";
import { type Address, ATYP, decodeAddress } from "./address.ts";
import { formatIp } from "./ip_address.ts";

/** Commands of SOCKS4. */
export const SOCKS4_COMMAND = { connect: 0x01, bind: 0x02 } as const;

/**
 * The request of a SOCKS4 client. USERID authenticates nothing and is dropped.
 */
export interface Socks4Request {
  /** One of {@link SOCKS4_COMMAND}, or an unknown value. */
  readonly command: number;
  /** The target. */
  readonly address: Address;
}

/** Bytes before USERID. */
const FIXED_LENGTH = 1 + 1 + 2 + 4;

/**
 * Decodes the request at the front of `bytes`.
 *
 * @returns A message of 9 to 520 bytes; `undefined` if more are needed.
 * @throws {ProtocolError} `ERR_SOCKS_VERSION`; `ERR_SOCKS_MALFORMED` for a
 * USERID or HOST over 255 bytes, or a HOST that is not a valid name.
 */
export function decodeSocks4Request(
  bytes: Uint8Array,
): { message: Socks4Request; length: number } | undefined {
  if (bytes.length > 0 && bytes[0] !== 0x04) {
    throw new ProtocolError(
      "ERR_SOCKS_VERSION",
      `Cannot decode SOCKS4 request: got version ${bytes[0]}, expected 4`,
    );
  }
  const userEnd = fieldEnd(bytes, FIXED_LENGTH, "USERID");
  if (userEnd === undefined) return undefined;
  const command = bytes[1]!;
  const port = readU16(bytes, 2);
  const ip = bytes.subarray(4, FIXED_LENGTH);
  if (ip[0] !== 0 || ip[1] !== 0 || ip[2] !== 0 || ip[3] === 0) {
    const address = { host: formatIp(ip), port };
    return { message: { command, address }, length: userEnd + 1 };
  }
  const hostStart = userEnd + 1;
  const hostEnd = fieldEnd(bytes, hostStart, "HOST");
  if (hostEnd === undefined) return undefined;
  const address = nameAddress(
    bytes.subarray(hostStart, hostEnd),
    bytes.subarray(2, 4),
  );
  return { message: { command, address }, length: hostEnd + 1 };
}

/** Encodes a reply of 8 bytes. Clients use only the second one. */
export function encodeSocks4Reply(granted: boolean): Uint8Array {
  return Uint8Array.of(0x00, granted ? 0x5a : 0x5b, 0, 0, 0, 0, 0, 0);
}

/**
 * Returns the index of the NUL after a field; `undefined` if it has not
 * arrived.
 */
function fieldEnd(
  bytes: Uint8Array,
  start: number,
  name: string,
): number | undefined {
  const limit = start + MAX_SOCKS4_FIELD_LENGTH;
  const end = bytes.subarray(0, limit + 1).indexOf(0x00, start);
  if (end >= start) return end;
  if (bytes.length > limit) {
    throw new ProtocolError(
      "ERR_SOCKS_MALFORMED",
      `Cannot decode SOCKS4 request: ${name} has more than ` +
        `${MAX_SOCKS4_FIELD_LENGTH} bytes`,
    );
  }
  return undefined;
}

/** Decodes a name with the checks of SOCKS5. */
function nameAddress(name: Uint8Array, port: Uint8Array): Address {
  try {
    return decodeAddress(
      concat(Uint8Array.of(ATYP.name, name.length), name, port),
    )!.address;
  } catch (cause) {
    throw new ProtocolError(
      "ERR_SOCKS_MALFORMED",
      "Cannot decode SOCKS4 request: invalid HOST",
      { cause },
    );
  }
}
