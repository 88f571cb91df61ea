/**
 * Values of options and of configuration keys, read from text or JSON. Each
 * function returns `undefined` for what it cannot read: only the caller knows
 * where the value stands and what to say.
 *
 * @module
 */
import { parseIp } from "../codec/ip_address.ts";

/** A host, and a port where one was given. */
export interface HostAndPort {
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
}

/** What {@link readPort} takes, for messages. */
export const PORT_EXPECTED = "a port from 1 to 65535";

/** What {@link readHostAndPort} takes, for messages. */
export const HOST_EXPECTED =
  "HOST or HOST:PORT, an IPv6 address with a port in brackets";

/**
 * A port as a number or as digits.
 *
 * @param least 0 where the system may choose, else 1.
 */
export function readPort(value: unknown, least: 0 | 1 = 1): number | undefined {
  return readInteger(value, least, 65_535);
}

/** A whole number as a number or as digits, between the bounds. */
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

/** Longest wait in milliseconds that the runtimes' timers keep: 2³¹ − 1. */
const MAX_TIMER_MS = 0x7fff_ffff;

/**
 * Seconds, whole or decimal, as milliseconds.
 *
 * @param leastMs Smallest result.
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

/** `host`, `host:port`, `[ipv6]`, `[ipv6]:port` or a bare IPv6 address. */
export function readHostAndPort(text: string): HostAndPort | undefined {
  if (isIpv6(text)) return { host: text };
  const match = /^\[([^[\]]+)\](?::(\d+))?$/.exec(text) ??
    /^([^\s:[\]/@]+)(?::(\d+))?$/.exec(text);
  if (!match || text.startsWith("[") && !isIpv6(match[1]!)) return undefined;
  if (match[2] === undefined) return { host: match[1]! };
  const port = readPort(match[2], 0);
  return port === undefined ? undefined : { host: match[1]!, port };
}

/** With or without a zone: `fe80::1%eth0`. */
function isIpv6(text: string): boolean {
  return parseIp(text.replace(/%[\w.-]+$/, ""))?.length === 16;
}

/** What {@link readUrl} takes, for messages. */
export const URL_EXPECTED = "a URL, http:// or https://";

/** An address of the web. */
export function readUrl(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "http:" || url?.protocol === "https:"
    ? url
    : undefined;
}
