/**
 * Plugins that Umbra replaces itself, without a program.
 *
 * @module
 */
import { splitPlugin } from "../../codec/plugin_options.ts";
import { isV2rayPlugin, v2rayWebSocket } from "../../codec/v2ray_plugin.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { badValue } from "../../errors.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import { findPlugin, pluginOf } from "./plugin_settings.ts";
import type { Sources } from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";

/** How a server is reached: by WebSocket, through a plugin, or directly. */
export interface Way {
  readonly transport?: WebSocketTransport;
  readonly plugin?: PluginOptions;
}

/**
 * Decides how a server is reached. A plugin program that is installed is used;
 * v2ray-plugin is replaced by Umbra's own WebSocket if the program is missing.
 *
 * @param port The port of the server.
 * @throws {ConfigError} If the program is missing and cannot be replaced.
 */
export function wayOf(
  server: ServerSettings,
  port: number,
  sources: Sources,
): Way {
  const { transport, plugin, origin } = server;
  if (transport !== undefined && plugin?.name) {
    throw badValue(
      `${origin}: "transport" and "plugin" exclude each other: give one`,
    );
  }
  if (transport !== undefined) return { transport };
  const isNative = plugin?.name && isV2rayPlugin(plugin.name) &&
    (plugin.mode ?? "tcp_only") === "tcp_only" &&
    findPlugin(plugin, sources) === undefined;
  if (!isNative) {
    const program = pluginOf(server, sources);
    return program === undefined ? {} : { plugin: program };
  }
  const native = v2rayWebSocket(plugin.options ?? "", port);
  if (typeof native !== "string") return { transport: native };
  throw badValue(`${origin}: plugin "${plugin.name}": ${native}`);
}

/**
 * Returns the transport that replaces a plugin where no program may be started.
 *
 * @param plugin Name of the program, and its options: `name;key=value`.
 * @returns `undefined` if the plugin cannot be replaced.
 */
export function withoutProgram(
  plugin: string,
  port: number,
): WebSocketTransport | undefined {
  const { name, options = "" } = splitPlugin(plugin);
  const native = isV2rayPlugin(name) ? v2rayWebSocket(options, port) : "";
  return typeof native === "string" ? undefined : native;
}
