/**
 * What is known of this machine's clock. No I/O.
 *
 * @module
 */
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import type { Finding } from "./finding.ts";
import { SET_CLOCKS } from "./judge_server.ts";

/** Seconds of difference that are worth a word with a 2022 method. */
const NOTABLE_SKEW_S = 10;

/**
 * How far another clock is ahead of ours.
 *
 * @param theirSeconds Their clock, in whole seconds that began at most one
 * second before.
 * @param sentUnixMs Ours before they were asked.
 * @param receivedUnixMs Ours when they had answered.
 * @returns Seconds; 0 for what the whole seconds and the way may explain.
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
 * Seconds since 1970 of an HTTP date (RFC 9110 §5.6.7).
 *
 * @returns `undefined` for what is none.
 */
export function httpDateSeconds(
  text: string | null | undefined,
): number | undefined {
  const ms = Date.parse(text ?? "");
  return Number.isNaN(ms) ? undefined : Math.floor(ms / 1_000);
}

/** The `Date` field at the top of an HTTP response that may be cut short. */
export function dateOfResponse(payload: Uint8Array): number | undefined {
  const text = new TextDecoder("latin1").decode(payload);
  if (!text.startsWith("HTTP/1.")) return undefined;
  return httpDateSeconds(/^date:[ \t]*(.+)$/im.exec(text)?.[1]?.trim());
}

/**
 * Finding `clock`.
 *
 * @param offset Seconds by which the other clock is ahead of ours.
 * @param whose The other clock, for the message.
 * @param needsClock True if the method in use needs clocks that agree.
 */
export function judgeClock(
  offset: number,
  whose: string,
  needsClock: boolean,
): Finding {
  const apart = Math.abs(offset);
  const check = "clock";
  if (apart === 0) {
    return { check, verdict: "ok", detail: `agrees with that of ${whose}` };
  }
  const detail = `${apart} s ${offset > 0 ? "behind" : "ahead of"} that of ` +
    whose;
  if (!needsClock) {
    return { check, verdict: "ok", detail: `${detail}; the method needs none` };
  }
  if (apart <= NOTABLE_SKEW_S) return { check, verdict: "ok", detail };
  return {
    check,
    verdict: apart > MAX_TIMESTAMP_SKEW_S ? "fail" : "warn",
    detail: `${detail}; 2022 methods work up to ${MAX_TIMESTAMP_SKEW_S} s`,
    advice: SET_CLOCKS,
  };
}

/**
 * Finding `clock`, where no server was asked.
 *
 * @param kept True if the system keeps it; not set: it does not tell.
 */
export function judgeKeptClock(
  kept: boolean | undefined,
  needsClock: boolean,
): Finding {
  const check = "clock";
  if (kept === true) {
    return { check, verdict: "ok", detail: "set by systemd-timesyncd" };
  }
  const advice = "--clock-url http://… compares it with a web server's";
  if (kept === undefined) {
    const detail = "the system does not tell whether it is right";
    return { check, verdict: "skip", detail, advice };
  }
  const detail = "systemd-timesyncd runs, and has not set it";
  return { check, verdict: needsClock ? "warn" : "ok", detail, advice };
}
