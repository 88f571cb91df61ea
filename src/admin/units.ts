/**
 * Formats numbers for people, the same in the dashboard and in `umbra top`:
 * three significant digits, always with the unit.
 *
 * Amounts are in KiB, MiB, GiB (1,024); rates in kbit/s, Mbit/s (1,000), as
 * providers state them, or in KiB/s.
 *
 * @module
 */

import { inEnglish, type Say } from "./texts/say.ts";

/** The unit of a rate. */
export type RateUnit = "bit" | "byte";

const BINARY = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
const DECIMAL = ["bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s"];

/** Formats bytes: `0 B`, `1.50 KiB`, `12.3 MiB`. */
export function formatBytes(bytes: number): string {
  return scale(bytes, 1_024, BINARY);
}

/** Formats a rate: `12.3 Mbit/s`, or `1.47 MiB/s`. */
export function formatRate(bytesPerSecond: number, unit: RateUnit): string {
  return unit === "bit"
    ? scale(bytesPerSecond * 8, 1_000, DECIMAL)
    : `${formatBytes(bytesPerSecond)}/s`;
}

/** Formats a count: `1,234,567`. */
export function formatCount(count: number): string {
  return String(count).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Formats a short time: `0.42 ms`, `12 ms`, `1.20 s`. */
export function formatMs(ms: number): string {
  if (ms >= 999.5) return `${digits(ms / 1_000)} s`;
  return `${ms >= 10 ? Math.round(ms) : trim(ms.toFixed(2))} ms`;
}

/** Formats a long time in its two largest units: `3 d 4 h`, `5 min 12 s`. */
export function formatDuration(ms: number, say: Say = inEnglish): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const at = PARTS.findIndex((part) => seconds >= part.seconds);
  const shown = PARTS.slice(at < 0 ? -1 : at).slice(0, 2);
  const texts = shown.map((part, i) => {
    const before = i === 0 ? Infinity : shown[0]!.seconds;
    const n = Math.floor(seconds % before / part.seconds);
    return i > 0 && n === 0 ? "" : say(part.text, { n });
  });
  return texts.filter((text) => text !== "").join(" ");
}

/**
 * Formats a past time in its largest unit: `now`, `12 s ago`, `never` for 0.
 */
export function formatAgo(
  unixMs: number,
  nowUnixMs: number,
  say: Say = inEnglish,
): string {
  if (unixMs === 0) return say("time-never");
  const seconds = Math.floor((nowUnixMs - unixMs) / 1_000);
  return seconds < 3 ? say("time-now") : ago(seconds, say);
}

/** Formats a future time: `in 12 d`, `5 min ago`. */
export function formatUntil(
  unixMs: number,
  nowUnixMs: number,
  say: Say = inEnglish,
): string {
  const seconds = Math.ceil((unixMs - nowUnixMs) / 1_000);
  return seconds > 0
    ? say("time-in", { time: largest(seconds, say) })
    : ago(-seconds, say);
}

/** Formats a share: `12 %`; a small share above 0 is `<1 %`. */
export function formatShare(part: number): string {
  if (part > 0 && part < 0.01) return "<1 %";
  return `${Math.floor(part * 100)} %`;
}

function scale(
  value: number,
  base: number,
  units: readonly string[],
): string {
  let index = 0;
  // A value that would round to 1,000 is shown in the next unit.
  while (value >= Math.min(base, 999.5) && index < units.length - 1) {
    value /= base;
    index++;
  }
  const text = index === 0 ? String(Math.round(value)) : digits(value);
  return `${text} ${units[index]}`;
}

/** Returns three significant digits, but no fewer than the integer part has. */
function digits(value: number): string {
  if (value < 9.995) return value.toFixed(2);
  return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
}

function trim(text: string): string {
  return text.replace(/\.?0+$/, "");
}

/** The units of time, from the largest. */
const PARTS = [
  { text: "days", seconds: 86_400 },
  { text: "hours", seconds: 3_600 },
  { text: "minutes", seconds: 60 },
  { text: "seconds", seconds: 1 },
] as const;

function ago(seconds: number, say: Say): string {
  return say("time-ago", { time: largest(seconds, say) });
}

function largest(seconds: number, say: Say): string {
  const part = PARTS.find((part) => seconds >= part.seconds) ?? PARTS.at(-1)!;
  return say(part.text, { n: Math.floor(seconds / part.seconds) });
}
