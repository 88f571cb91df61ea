/**
 * What the command line and a configuration file say of UDP: whether it is
 * served, beside TCP or alone, and its bounds.
 *
 * The letters are those of shadowsocks-libev: `-u` is both, `-U` UDP alone.
 * In shadowsocks-rust they are the other way round.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Mode } from "../service/udp_service.ts";
import type { Arguments } from "./args.ts";
import type { ConfigObject } from "./config_file.ts";
import { option } from "./option_value.ts";
import { readInteger, readSeconds } from "./values.ts";

/** Any part may be missing. */
export interface UdpSettings {
  /** Which of both is served. */
  readonly mode?: Mode | undefined;
  /** Milliseconds without a datagram. */
  readonly udpTimeoutMs?: number | undefined;
  /** UDP clients at once. */
  readonly maxFlows?: number | undefined;
}

/** Keys that {@link udpFromObject} reads. */
export const UDP_KEYS: readonly string[] = [
  "mode",
  "udp_timeout",
  "udp_max_associations",
];

const SECONDS_EXPECTED = "seconds, more than 0";

const COUNT_EXPECTED = "a whole number, 1 or more";

/**
 * What the command line says.
 *
 * @throws {ConfigError} Also when it asks for both modes.
 */
export function udpFromOptions(args: Arguments): UdpSettings {
  const [both, alone] = [args.has("udp"), args.has("udp-only")];
  if (both && alone) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "-u and -U: give one, -u for TCP and UDP or -U for UDP alone",
    );
  }
  return {
    mode: both ? "tcp_and_udp" : alone ? "udp_only" : undefined,
    udpTimeoutMs: option(
      args,
      "udp-timeout",
      (text) => readSeconds(text, 1),
      SECONDS_EXPECTED,
    ),
    maxFlows: option(
      args,
      "udp-max-associations",
      (text) => readInteger(text, 1),
      COUNT_EXPECTED,
    ),
  };
}

/** What a configuration file says, at its top, of a server or of a local. */
export function udpFromObject(object: ConfigObject): UdpSettings {
  return {
    mode: object.get("mode", readMode, MODES.map((m) => `"${m}"`).join(" or ")),
    udpTimeoutMs: object.get(
      "udp_timeout",
      (value) => readSeconds(value, 1),
      SECONDS_EXPECTED,
    ),
    maxFlows: object.get(
      "udp_max_associations",
      (value) => readInteger(value, 1),
      COUNT_EXPECTED,
    ),
  };
}

/** For each part, the first source that tells it; without what none tells. */
export function mergeUdp(
  ...sources: readonly (UdpSettings | undefined)[]
): { mode?: Mode; udpTimeoutMs?: number; maxFlows?: number } {
  const first = <K extends keyof UdpSettings>(key: K): UdpSettings[K] =>
    sources.find((source) => source?.[key] !== undefined)?.[key];
  const mode = first("mode");
  const udpTimeoutMs = first("udpTimeoutMs");
  const maxFlows = first("maxFlows");
  return {
    ...(mode && { mode }),
    ...(udpTimeoutMs && { udpTimeoutMs }),
    ...(maxFlows && { maxFlows }),
  };
}

const MODES: readonly Mode[] = ["tcp_only", "udp_only", "tcp_and_udp"];

function readMode(value: unknown): Mode | undefined {
  return MODES.find((mode) => mode === value);
}
