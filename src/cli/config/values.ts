/**
 * Reads values of options and configuration keys from text or JSON. Each
 * function returns `undefined` for an invalid value: only the caller knows the
 * place of the value and can report it.
 *
 * @module
 */
import { parseIp } from "../../codec/ip_address.ts";

/** A host, with a port if one was given. */
export interface HostAndPort {
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
}

/** The value that {@link readPort} accepts, for messages. */
export const PORT_EXPECTED = "a port from 1 to 65535";

/** The value that {@link readHostAndPort} accepts, for messages. */
export const HOST_EXPECTED =
  "HOST or HOST:PORT, an IPv6 address with a port in brackets";

/**
 * Reads a port from a number or digits.
 *
 * @param least 0 if the system may choose the port, else 1.
 */
export function readPort(value: unknown, least: 0 | 1 = 1): number | undefined {
  return readInteger(value, least, 65_535);
}

/** Reads an integer from a number or digits, within the bounds. */
export function readInteger(
  value: unknown,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number | undefined {
  const number = typeof value === "string" && /^\d+$/.test(value)
    ? Number(value)
    : value;
  return typeof number === "number" && Number.isInteger(number) &&
      number >= least && number <= most
    ? number
    : undefined;
}

/** The value that {@link readSeconds} accepts from 1 ms, for messages. */
export const SECONDS_EXPECTED = "seconds in digits, more than 0, up to 2147483";

/** Longest delay of the runtimes' timers, in milliseconds: 2³¹ − 1. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Reads seconds, whole or decimal, and returns milliseconds.
 *
 * @param leastMs Smallest valid result, in milliseconds.
 */
export function readSeconds(
  value: unknown,
  leastMs: number,
): number | undefined {
  const number = typeof value === "string" && /^\d+(\.\d+)?$/.test(value)
    ? Number(value)
    : value;
  if (typeof number !== "number" || !Number.isFinite(number)) return undefined;
  const ms = Math.round(number * 1_000);
  return ms >= leastMs && ms <= MAX_TIMER_MS ? ms : undefined;
}

/**
 * Reads `host`, `host:port`, `[ipv6]`, `[ipv6]:port` or a bare IPv6 address.
 */
export function readHostAndPort(text: string): HostAndPort | undefined {
  if (isIpv6(text)) return { host: text };
  const match = /^\[([^[\]]+)\](?::(\d+))?$/.exec(text) ??
    /^([^\s:[\]/@]+)(?::(\d+))?$/.exec(text);
  if (!match || text.startsWith("[") && !isIpv6(match[1]!)) return undefined;
  if (match[2] === undefined) return { host: match[1]! };
  const port = readPort(match[2], 0);
  return port === undefined ? undefined : { host: match[1]!, port };
}

/** True if a listening host is every address, in any spelling. */
export function isWildcard(host: string): boolean {
  return /^[0:.]*$/.test(host);
}

/** True for an IPv6 address, with or without a zone: `fe80::1%eth0`. */
function isIpv6(text: string): boolean {
  return parseIp(text.replace(/%[\w.-]+$/, ""))?.length === 16;
}

/** The value that {@link readUrl} accepts, for messages. */
export const URL_EXPECTED = "a URL, http:// or https://";

/** Reads an http or https URL. */
export function readUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:"
    ? url
    : undefined;
}

/** The value that {@link readSize} accepts, for messages. */
export const SIZE_EXPECTED = 'bytes as a number, or like "50 GB" or "10 GiB"';

/** Bytes in each unit: SI, then IEC 80000-13. */
const SIZE_UNITS: ReadonlyMap<string, bigint> = new Map([
  ["B", 1n],
  ["kB", 1_000n],
  ["MB", 1_000_000n],
  ["GB", 1_000_000_000n],
  ["TB", 1_000_000_000_000n],
  ["KiB", 1n << 10n],
  ["MiB", 1n << 20n],
  ["GiB", 1n << 30n],
  ["TiB", 1n << 40n],
]);

/** Reads a number of bytes, at least 1: an integer, or text with a unit. */
export function readSize(value: unknown): number | undefined {
  return readInteger(value, 1) ?? readQuantity(value, SIZE_UNITS, 1n);
}

/** The value that {@link readRate} accepts, for messages. */
export const RATE_EXPECTED =
  'bytes a second as a number, or like "2 MB/s" or "10 Mbit/s"';

/** Bits a second in each unit. */
const RATE_UNITS: ReadonlyMap<string, bigint> = new Map([
  ["bit/s", 1n],
  ["kbit/s", 1_000n],
  ["Mbit/s", 1_000_000n],
  ["Gbit/s", 1_000_000_000n],
  ...[...SIZE_UNITS].map(([unit, bytes]) => [`${unit}/s`, bytes * 8n] as const),
]);

/** Reads bytes a second, at least 1: an integer, or text with a unit. */
export function readRate(value: unknown): number | undefined {
  return readInteger(value, 1) ?? readQuantity(value, RATE_UNITS, 8n);
}

/** The value that {@link readDate} accepts, for messages. */
export const DATE_EXPECTED =
  'a day like "2027-01-31", or a time like "2027-01-31T12:00:00Z"';

/**
 * Reads a day, which starts in UTC, or a time with its zone, and returns UNIX
 * milliseconds.
 */
export function readDate(value: unknown): number | undefined {
  const form =
    /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;
  if (typeof value !== "string" || !form.test(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

/**
 * Reads `1.5 GB` exactly: a value that is not a whole number of `parts` is
 * invalid.
 */
function readQuantity(
  value: unknown,
  units: ReadonlyMap<string, bigint>,
  parts: bigint,
): number | undefined {
  if (typeof value !== "string") return undefined;
  const match = /^(\d{1,15})(?:\.(\d{1,15}))? ?(\S+)$/.exec(value);
  const unit = units.get(match?.[3] ?? "");
  if (!match || unit === undefined) return undefined;
  const [, whole = "", decimals = ""] = match;
  const product = BigInt(whole + decimals) * unit;
  const divisor = parts * 10n ** BigInt(decimals.length);
  const result = Number(product / divisor);
  return product % divisor === 0n && result >= 1 && Number.isSafeInteger(result)
    ? result
    : undefined;
}
