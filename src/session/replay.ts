/**
 * What a session makes of the answer to "is this salt new?".
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";

/**
 * Refuses what was seen before.
 *
 * @param isNew What a `ReplayFilter` has answered.
 * @returns The answer that is still to come, or nothing.
 * @throws {ProtocolError} `ERR_SS_REPLAY`.
 */
export function refuseReplay(
  isNew: boolean | Promise<boolean>,
): Promise<boolean> | undefined {
  if (isNew === false) throw replayed();
  return isNew === true ? undefined : isNew;
}

/** The error of a salt that was seen before. */
export function replayed(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept request: its salt was seen before",
  );
}

/** The error of a packet that was seen before. */
export function replayedPacket(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept packet: its id was seen before, or is too old to tell",
  );
}
