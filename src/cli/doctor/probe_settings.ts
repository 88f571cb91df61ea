/**
 * Reads the options of the commands that try a server, `doctor` and
 * `check server`.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import type { Arguments } from "../options/args.ts";
import {
  DOWNLOAD_MS,
  PROBE_COUNT,
  PROBE_TARGET,
  PROBE_WAIT_MS,
} from "../commands/defaults.ts";
import { readTarget, TARGET_EXPECTED } from "../config/local_settings.ts";
import { option } from "../options/option_value.ts";
import {
  readInteger,
  readSeconds,
  readUrl,
  SECONDS_EXPECTED,
  URL_EXPECTED,
} from "../config/values.ts";

/** How to try a server. */
export interface ProbeSettings {
  /** What to reach through it. */
  readonly target: Address;
  /** Milliseconds for each step. */
  readonly waitMs: number;
}

/** What `check server` measures. */
export interface MeasureSettings extends ProbeSettings {
  /** How often each time is taken. */
  readonly count: number;
  /** What to download; not set: nothing. */
  readonly url: URL | undefined;
  /** Milliseconds of the download at most. */
  readonly limitMs: number;
}

/** @throws {ConfigError} `ERR_CONFIG_VALUE`. */
export function probeSettings(args: Arguments): ProbeSettings {
  return {
    target: option(args, "target", readTarget, TARGET_EXPECTED) ??
      PROBE_TARGET,
    waitMs: seconds(args, "wait") ?? PROBE_WAIT_MS,
  };
}

/** @throws {ConfigError} `ERR_CONFIG_VALUE`. */
export function measureSettings(args: Arguments): MeasureSettings {
  return {
    ...probeSettings(args),
    count: option(
      args,
      "count",
      (text) => readInteger(text, 1, 1_000),
      "a whole number from 1 to 1000",
    ) ?? PROBE_COUNT,
    url: option(args, "url", readUrl, URL_EXPECTED),
    limitMs: seconds(args, "seconds") ?? DOWNLOAD_MS,
  };
}

/** An option in seconds, as milliseconds. */
function seconds(args: Arguments, name: string): number | undefined {
  const read = (text: string): number | undefined => readSeconds(text, 1);
  return option(args, name, read, SECONDS_EXPECTED);
}

/** The request that is sent to a target. */
export function headRequest({ host }: Address): Uint8Array {
  const name = host.includes(":") ? `[${host}]` : host;
  return new TextEncoder().encode(
    `HEAD / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
  );
}
