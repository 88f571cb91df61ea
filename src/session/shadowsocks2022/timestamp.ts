/**
 * True if a time stamp of the 2022 edition is of now.
 *
 * Source: SIP022 §3.1.3, §3.2.3.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { ProtocolError } from "../../errors.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";

/** Our clock in whole seconds. */
export function unixSeconds(clock: Clock): number {
  return Math.floor(clock.unixMs() / 1_000);
}

/**
 * Compares a time stamp with our clock.
 *
 * @param stampSeconds The peer's clock.
 * @param clock Ours.
 * @throws {ProtocolError} `ERR_SS_TIMESTAMP`, with the difference: a clock
 * that is wrong is the most frequent reason by far.
 */
export function checkTimestamp(stampSeconds: number, clock: Clock): void {
  const skew = stampSeconds - unixSeconds(clock);
  if (Math.abs(skew) <= MAX_TIMESTAMP_SKEW_S) return;
  throw new ProtocolError(
    "ERR_SS_TIMESTAMP",
    `The peer's time stamp is ${Math.abs(skew)} s ${
      skew < 0 ? "behind" : "ahead of"
    } our clock, ${MAX_TIMESTAMP_SKEW_S} s at most are allowed`,
    { clockSkewSeconds: skew },
  );
}

/**
 * The error of a time stamp that is of now, but from a time of which nothing is
 * remembered.
 *
 * @param what What has it: `request` or `packet`.
 */
export function notRemembered(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_SS_TIMESTAMP",
    `Cannot accept ${what}: its time stamp is from before our start, or this ` +
      "machine's clock was set back to a time whose requests are forgotten; " +
      "a restart helps then",
  );
}
