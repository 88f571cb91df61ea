/**
 * The options of a plugin, which is a program in front of a server, on either
 * side. Plugins follow SIP003, or SIP003u if they carry datagrams.
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
  /** The program: a full path, or a name that the system looks up. */
  readonly path: string;
  /** The plugin's own options as one string; not set if there are none. */
  readonly options?: string;
  /** Arguments on its command line; default: none. */
  readonly args?: readonly string[];
  /**
   * The networks that pass through the plugin. The rest goes directly to the
   * same port.
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
