/**
 * Checks time stamps of the 2022 edition.
 *
 * Source: SIP022 §3.1.3, §3.2.3.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";

/** Returns our clock in whole seconds. */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.unixMs() / 1_000);
}

/**
 * Compares a time stamp with our clock.
 *
 * @param stampSeconds The peer's clock.
 * @param clock Our clock.
 * @throws {ProtocolError} `ERR_SS_TIMESTAMP`, with the difference. A wrong
 * clock is by far the most frequent reason.
 */
export function checkTimestamp(stampSeconds: number, clock: Clock): void {
  const skew = stampSeconds - unixSeconds(clock);
  if (Math.abs(skew) <= MAX_TIMESTAMP_SKEW_S) return;
  throw new ProtocolError(
    "ERR_SS_TIMESTAMP",
    `The peer's time stamp is ${Math.abs(skew)} s ${
      skew < 0 ? "behind" : "ahead of"
    } our clock, at most ${MAX_TIMESTAMP_SKEW_S} s are allowed`,
    { clockSkewSeconds: skew },
  );
}

/**
 * Makes the error of a time stamp that is valid, but from a time whose requests
 * are not remembered.
 *
 * @param what `request` or `packet`.
 */
export function notRemembered(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TIMESTAMP",
    `Cannot accept ${what}: its time stamp is from before our start, or this ` +
      "machine's clock was set back to a time whose requests are forgotten; " +
      "restart the server in that case",
  );
}
