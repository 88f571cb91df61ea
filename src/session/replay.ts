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
 * @param what Was looked for, for the message.
 * @returns The answer that is still to come, or nothing.
 * @throws {ProtocolError} `ERR_SS_REPLAY`.
 */
export function refuseReplay(
  isNew: boolean | Promise<boolean>,
  what: Remembered = "salt",
): Promise<boolean> | undefined {
  if (isNew === false) throw replayed(what);
  return isNew === true ? undefined : isNew;
}

/** The part that tells a stream or packet from all others. */
export type Remembered = "salt" | "IV";

/** The error of a salt that was seen before. */
export function replayed(what: Remembered = "salt"): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    `Cannot accept request: its ${what} was seen before`,
  );
}

/** The error of a packet that was seen before. */
export function replayedPacket(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept packet: its id was seen before, or is too old to tell",
  );
}
