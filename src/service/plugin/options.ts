/**
 * A program in front of a server, on both ends: a plugin of SIP003, or of
 * SIP003u where it carries datagrams.
 *
 * Source: https://shadowsocks.org/doc/sip003.html; SIP003u for `plugin_mode`.
 *
 * @module
 */
import type { Mode } from "../options.ts";

/** How to run a plugin. */
export interface PluginOptions {
  /** Name for the operator. */
  readonly name: string;
  /** Its program: a full path, or a name that the system looks for. */
  readonly path: string;
  /** What it is to do, as it was written; not set: nothing more. */
  readonly options?: string;
  /** Arguments on its command line; default: none. */
  readonly args?: readonly string[];
  /** What passes through it. The rest goes past it, to the same port. */
  readonly mode: Mode;
  /** Its environment, but for what SIP003 adds. */
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
