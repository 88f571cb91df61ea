/**
 * True if a time stamp of ShadowsocksR is of now.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { ProtocolError } from "../../errors.ts";

/** Our clock in whole seconds, as 32 bits unsigned. */
export function stampOf(clock: Clock): number {
  return Math.floor(clock.unixMs() / 1_000) >>> 0;
}

/**
 * Compares a time stamp with our clock, as numbers of 32 bits that wrap.
 *
 * @param stamp The peer's clock in seconds.
 * @param options `maxSkewSeconds`: how far it may be off; `sinceUnixMs`: of
 * what is older, it is not known whether it was served before.
 * @throws {ProtocolError} `ERR_SS_TIMESTAMP`, with the difference.
 */
export function checkStamp(
  stamp: number,
  clock: Clock,
  { maxSkewSeconds, sinceUnixMs }: {
    readonly maxSkewSeconds: number;
    readonly sinceUnixMs: number;
  },
): void {
  const skew = (stamp - stampOf(clock)) | 0;
  if (Math.abs(skew) > maxSkewSeconds) {
    throw new ProtocolError(
      "ERR_SS_TIMESTAMP",
      `The peer's time stamp is ${Math.abs(skew)} s ${
        skew < 0 ? "behind" : "ahead of"
      } our clock, ${maxSkewSeconds} s at most are allowed`,
      { clockSkewSeconds: skew },
    );
  }
  const since = Math.floor(sinceUnixMs / 1_000) >>> 0;
  if (((stamp - since) | 0) < 0) {
    throw new ProtocolError(
      "ERR_SS_TIMESTAMP",
      "Cannot accept request: its time stamp is from before our start",
      { clockSkewSeconds: skew },
    );
  }
}
