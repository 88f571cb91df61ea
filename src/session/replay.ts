/**
 * Handles the answer of a replay filter.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";

/**
 * Refuses a request whose salt was seen before.
 *
 * @param isNew The answer of a `ReplayFilter`.
 * @param what The name of the salt in the message.
 * @returns The pending answer, if there is one.
 * @throws {ProtocolError} `ERR_SS_REPLAY`.
 */
export function refuseReplay(
  isNew: boolean | Promise<boolean>,
  what: Remembered = "salt",
): Promise<boolean> | undefined {
  if (isNew === false) throw replayed(what);
  return isNew === true ? undefined : isNew;
}

/** The part that is unique for each stream or packet. */
export type Remembered = "salt" | "IV";

/** Makes the error of a salt that was seen before. */
export function replayed(what: Remembered = "salt"): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    `Cannot accept request: its ${what} was used before`,
  );
}

/** Makes the error of a packet that was seen before. */
export function replayedPacket(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept packet: its id was used before, or is too old to decide",
  );
}
