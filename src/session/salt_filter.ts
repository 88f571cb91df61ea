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
  /** It has seen every salt since then; milliseconds since 1970. */
  readonly sinceUnixMs: number;
  /**
   * Records a salt, in the same step as it looks it up.
   *
   * @param salt Of a request that was authenticated; borrowed.
   * @returns `false` when it has been seen, or cannot be remembered.
   */
  add(salt: Uint8Array): boolean;
}

/**
 * The error of a salt that was seen before.
 *
 * @param what Was seen.
 */
export function replayed(what: "salt" | "IV" = "salt"): ProtocolError {
  return new ProtocolError(
    "ERR_SS_REPLAY",
    `Cannot accept request: its ${what} was seen before`,
  );
}
