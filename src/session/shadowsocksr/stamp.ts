/**
 * Checks time stamps of ShadowsocksR.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { ProtocolError } from "../../errors.ts";

/** Returns our clock in whole seconds, as an unsigned 32-bit number. */
export function stampOf(clock: Clock): number {
  return Math.floor(clock.unixMs() / 1_000) >>> 0;
}

/**
 * Compares a time stamp with our clock, as 32-bit numbers that wrap.
 *
 * @param stamp The peer's clock in seconds.
 * @param options `maxSkewSeconds`: how far it may differ; `sinceUnixMs`:
 * replays of older requests would not be detected.
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
      } our clock, at most ${maxSkewSeconds} s are allowed`,
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
