/**
 * Judges this machine's clock. No I/O.
 *
 * @module
 */
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { SET_CLOCKS } from "./judge_server.ts";

/** Seconds of difference from which a warning is given for a 2022 method. */
const NOTABLE_SKEW_S = 10;

/**
 * Returns how far another clock is ahead of this machine's.
 *
 * @param theirSeconds The other clock, rounded down to whole seconds.
 * @param sentUnixMs This machine's clock before the request.
 * @param receivedUnixMs This machine's clock at the answer.
 * @returns Seconds; 0 if rounding and transit time explain the difference.
 */
export function clockOffset(
  theirSeconds: number,
  sentUnixMs: number,
  receivedUnixMs: number,
): number {
  const earliest = theirSeconds - receivedUnixMs / 1_000;
  const latest = theirSeconds + 1 - sentUnixMs / 1_000;
  return earliest <= 0 && latest >= 0 ? 0 : Math.round((earliest + latest) / 2);
}

/**
 * Parses an HTTP date (RFC 9110 §5.6.7).
 *
 * @returns Seconds since 1970; `undefined` if the text is no date.
 */
export function httpDateSeconds(
  text: string | null | undefined,
): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1_000);
}

/** Returns the `Date` field of an HTTP response, which may be cut short. */
export function dateOfResponse(payload: Uint8Array): number | undefined {
  const text = new TextDecoder("latin1").decode(payload);
  if (!text.startsWith("HTTP/1.")) return undefined;
  return httpDateSeconds(/^date:[ \t]*(.+)$/im.exec(text)?.[1]?.trim());
}

/**
 * Returns the finding `clock`.
 *
 * @param offset Seconds that the other clock is ahead of this machine's.
 * @param whose The name of the other clock, for the message.
 * @param needsClock True if the method in use needs synchronized clocks.
 */
export function judgeClock(
  offset: number,
  whose: string,
  needsClock: boolean,
): Finding {
  const apart = Math.abs(offset);
  const check = findingsOf("clock");
  if (apart === 0) {
    return check.ok(`agrees with that of ${whose}`);
  }
  const detail = `${apart} s ${offset > 0 ? "behind" : "ahead of"} that of ` +
    whose;
  if (!needsClock) {
    return check.ok(`${detail}; the method needs none`);
  }
  if (apart <= NOTABLE_SKEW_S) return check.ok(detail);
  return check[apart > MAX_TIMESTAMP_SKEW_S ? "fail" : "warn"](
    `${detail}; 2022 methods work up to ${MAX_TIMESTAMP_SKEW_S} s`,
    SET_CLOCKS,
  );
}

/**
 * Returns the finding `clock` if no server was asked.
 *
 * @param kept True if the system keeps the clock right; not set if unknown.
 */
export function judgeKeptClock(
  kept: boolean | undefined,
  needsClock: boolean,
): Finding {
  const check = findingsOf("clock");
  if (kept === true) {
    return check.ok("set by systemd-timesyncd");
  }
  const advice = "--clock-url http://… compares it with a web server's";
  if (kept === undefined) {
    return check.skip("the system does not tell whether it is right", advice);
  }
  return check[needsClock ? "warn" : "ok"](
    "systemd-timesyncd runs, and has not set it",
    advice,
  );
}
