/**
 * One-time authentication, which a client announces in the first byte of the
 * address. It authenticated only one direction, with the key of the cipher, and
 * went out of use in 2017; it is refused.
 *
 * Source: shadowsocks-py 2.9.1.
 *
 * @module
 */
import { ATYP } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";

/** The flag in the address type. */
const ONE_TIME_AUTH = 0x10;

/**
 * Refuses a request or a packet with one-time authentication.
 *
 * @param plaintext The start of the plaintext; may be empty.
 * @param what `request` or `packet`.
 * @throws {ProtocolError} `ERR_SS_ONE_TIME_AUTH`.
 */
export function refuseOneTimeAuth(
  plaintext: Uint8Array,
  what: "request" | "packet",
): void {
  const [first = 0] = plaintext;
  const types: readonly number[] = Object.values(ATYP);
  if (!types.some((type) => first === (type | ONE_TIME_AUTH))) return;
  throw new ProtocolError(
    "ERR_SS_ONE_TIME_AUTH",
    `Cannot accept ${what}: it asks for one-time authentication, which is ` +
      "not supported; disable it in the client (-A, one_time_auth)",
  );
}
