/**
 * What the command line and a configuration file say of UDP: whether it is
 * served, beside TCP or alone, and its bounds.
 *
 * The letters are those of shadowsocks-libev: `-u` is both, `-U` UDP alone.
 * In shadowsocks-rust they are the other way round.
 *
 * @module
 */
import * as v from "valibot";
import { ConfigError } from "../../errors.ts";
import { type Mode, MODES } from "../../service/udp/udp_service.ts";
import type { Arguments } from "../options/args.ts";
import type { ConfigObject } from "./config_file.ts";
import { choice, count, type Keys, seconds } from "./config_keys.ts";
import { option } from "../options/option_value.ts";
import { readInteger, readSeconds, SECONDS_EXPECTED } from "./values.ts";

/** Any part may be missing. */
export interface UdpSettings {
  /** Which of both is served. */
  readonly mode?: Mode | undefined;
  /** Milliseconds without a datagram. */
  readonly udpTimeoutMs?: number | undefined;
  /** UDP clients at once. */
  readonly maxFlows?: number | undefined;
}

const UDP = v.object({
  mode: choice(MODES, "Whether TCP, UDP or both are served"),
  udp_timeout: seconds(
    "Seconds of silence after which a UDP client is forgotten",
  ),
  udp_max_associations: count("UDP clients at once"),
});

/** Keys that {@link udpFromObject} reads. */
export const UDP_KEYS: Keys = UDP.entries;

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
      "a whole number, 1 or more",
    ),
  };
}

/** What a configuration file says, at its top, of a server or of a local. */
export function udpFromObject(object: ConfigObject): UdpSettings {
  const udp = object.read(UDP);
  return {
    mode: udp.mode,
    udpTimeoutMs: udp.udp_timeout,
    maxFlows: udp.udp_max_associations,
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
