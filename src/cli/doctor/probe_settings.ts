/**
 * Options of the commands that try a server, `doctor` and `check server`.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import type { Arguments } from "../args.ts";
import { readTarget, TARGET_EXPECTED } from "../config/local_settings.ts";
import type { Option } from "../option.ts";
import { option } from "../option_value.ts";
import {
  readInteger,
  readSeconds,
  readUrl,
  URL_EXPECTED,
} from "../config/values.ts";

/** A target that answers HTTP, and is made for examples. */
const DEFAULT_TARGET: Address = { host: "example.com", port: 80 };

/** Milliseconds for each step unless told. */
const DEFAULT_WAIT_MS = 5_000;

/** How often each time is taken unless told. */
const COUNT = 5;

/** Milliseconds of a download unless told. */
const DOWNLOAD_MS = 10_000;

const BOTH: readonly Option[] = [
  {
    name: "target",
    value: "HOST:PORT",
    help: "What to reach through the server; it is sent an HTTP HEAD",
    default: `${DEFAULT_TARGET.host}:${DEFAULT_TARGET.port}`,
  },
  {
    name: "wait",
    value: "SECONDS",
    help: "How long each step may take",
    default: String(DEFAULT_WAIT_MS / 1_000),
  },
];

/** Options of `doctor`. */
export const DOCTOR_OPTIONS: readonly Option[] = [
  {
    name: "role",
    value: "ROLE",
    help: "Which end the configuration is for, `local` or `server`; without " +
      "it that is guessed",
  },
  ...BOTH,
  { name: "udp", short: "u", help: "Try UDP, too" },
  {
    name: "clock-url",
    value: "URL",
    help: "Compare this machine's clock with that of a web server",
  },
  { name: "json", help: "Print one JSON object" },
];

/** Options of `check server`. */
export const CHECK_SERVER_OPTIONS: readonly Option[] = [
  ...BOTH,
  {
    name: "count",
    value: "N",
    help: "How often each time is taken",
    default: String(COUNT),
  },
  {
    name: "url",
    value: "URL",
    help: "Measure throughput, too: download this through the server",
  },
  {
    name: "seconds",
    value: "SECONDS",
    help: "How long to download at most",
    default: String(DOWNLOAD_MS / 1_000),
  },
];

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
      DEFAULT_TARGET,
    waitMs: seconds(args, "wait") ?? DEFAULT_WAIT_MS,
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
    ) ?? COUNT,
    url: option(args, "url", readUrl, URL_EXPECTED),
    limitMs: seconds(args, "seconds") ?? DOWNLOAD_MS,
  };
}

/** An option in seconds, as milliseconds. */
function seconds(args: Arguments, name: string): number | undefined {
  const read = (text: string): number | undefined => readSeconds(text, 1);
  return option(args, name, read, "seconds, more than 0");
}

/** The request that is sent to a target. */
export function headRequest({ host }: Address): Uint8Array {
  const name = host.includes(":") ? `[${host}]` : host;
  return new TextEncoder().encode(
    `HEAD / HTTP/1.1\r\nHost: ${name}\r\nConnection: close\r\n\r\n`,
  );
}
