/**
 * The errors of streams that are not in the disguise that is configured.
 *
 * @module
 */
import { ProtocolError } from "../../../errors.ts";

/** The peer does not speak this obfs. */
export function foreign(obfs: string, why: string): ProtocolError {
  return new ProtocolError("ERR_SSR_OBFS", `Cannot open ${obfs}: ${why}`);
}

/** The peer left before it had said enough. */
export function cutShort(obfs: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TRUNCATED",
    `Cannot open ${obfs}: it ended inside the handshake`,
  );
}
