/**
 * A program in front of a server, on both ends: a plugin of SIP003, or of
 * SIP003u where it carries datagrams.
 *
 * Source: https://shadowsocks.org/doc/sip003.html; SIP003u for `plugin_mode`.
 *
 * @module
 */
import type { Mode } from "../options.ts";

/** The options of a plugin. */
export interface PluginOptions {
  /** Name for the operator. */
  readonly name: string;
  /** The program: a full path, or a name that the system looks for. */
  readonly path: string;
  /** The options as they are written; not set: none. */
  readonly options?: string;
  /** Arguments on its command line; default: none. */
  readonly args?: readonly string[];
  /**
   * The networks that pass through it. The rest goes past it, to the same port.
   */
  readonly mode: Mode;
  /** The environment, without the variables that SIP003 adds. */
  readonly env: Readonly<Record<string, string>>;
}

/** True if streams pass through it. */
export function carriesStreams(
  plugin: Pick<PluginOptions, "mode"> | undefined,
): boolean {
  return plugin !== undefined && plugin.mode !== "udp_only";
}

/** True if datagrams pass through it. */
export function carriesDatagrams(
  plugin: Pick<PluginOptions, "mode"> | undefined,
): boolean {
  return plugin !== undefined && plugin.mode !== "tcp_only";
}
