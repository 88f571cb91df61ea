/**
 * What a server's sessions ask of a memory of salts.
 *
 * @module
 */
import { ProtocolError } from "../errors.ts";

/**
 * Remembers the salts of requests, so that none is served twice. See
 * `security/replay_filter.ts`.
 */
export interface SaltFilter {
  /**
   * True if a request of that time stamp, had it come before, would still be
   * remembered; seconds since 1970.
   */
  remembers(stampSeconds: number): boolean;
  /**
   * Records a salt, in the same step as it looks it up.
   *
   * @param salt Of a request that was authenticated; borrowed.
   * @param stampSeconds Its time stamp, where it has one.
   * @returns `false` when it has been seen, or cannot be remembered.
   */
  add(salt: Uint8Array, stampSeconds?: number): boolean;
}

/** The error of a salt that was seen before. */
export function replayed(): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    "Cannot accept request: its salt was seen before",
  );
}
