/**
 * One-time authentication, which a client announces in the first byte of the
 * address. It authenticated one direction with a key that was not its own, went
 * out of use in 2017, and is refused.
 *
 * Source: shadowsocks-py 2.9.1.
 *
 * @module
 */
import { ATYP } from "../../codec/address.ts";
import { ProtocolError } from "../../errors.ts";

/** The flag in the type of the address. */
const ONE_TIME_AUTH = 0x10;

/**
 * Refuses a request or a packet with one-time authentication.
 *
 * @param plaintext Its beginning; may be empty.
 * @param what It is, for the message.
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
      "not served; turn it off at the client (-A, one_time_auth)",
  );
}
