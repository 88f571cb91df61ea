/**
 * The errors of streams that do not match the configured disguise.
 *
 * @module
 */
import { ProtocolError } from "../../../errors.ts";

/** Makes the error of a peer that does not use this obfs. */
export function foreign(obfs: string, why: string): ProtocolError {
  return new ProtocolError("ERR_SSR_OBFS", `Cannot open ${obfs}: ${why}`);
}

/** Makes the error of a peer that closed during the handshake. */
export function cutShort(obfs: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TRUNCATED",
    `Cannot open ${obfs}: it ended inside the handshake`,
  );
}
