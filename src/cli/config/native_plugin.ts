/**
 * Plugins that need no program: what they would do is done here.
 *
 * @module
 */
import { splitPlugin } from "../../codec/plugin_options.ts";
import { isV2rayPlugin, v2rayWebSocket } from "../../codec/v2ray_plugin.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { ConfigError } from "../../errors.ts";
import type { PluginOptions } from "../../service/plugin/options.ts";
import { findPlugin, pluginOf } from "./plugin_settings.ts";
import type { Sources } from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";

/** The way to a server; at most one of both. */
export interface Way {
  readonly transport?: WebSocketTransport;
  readonly plugin?: PluginOptions;
}

/**
 * True if the plugin of a server is a program, or done without. The one place
 * where that is decided: a program that is there is used.
 *
 * @param port Of the server.
 * @throws {ConfigError} When there is neither.
 */
export function wayOf(
  server: ServerSettings,
  port: number,
  sources: Sources,
): Way {
  const { transport, plugin, origin } = server;
  if (transport !== undefined && plugin?.name) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${origin}: "transport" and "plugin" both carry the server: give one`,
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
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${origin}: plugin "${plugin.name}": ${native}`,
  );
}

/**
 * What carries a server of a list, where its plugin must not be started.
 *
 * @param plugin Name of the program, and its options: `name;key=value`.
 * @returns `undefined` where that takes the program.
 */
export function withoutProgram(
  plugin: string,
  port: number,
): WebSocketTransport | undefined {
  const { name, options = "" } = splitPlugin(plugin);
  const native = isV2rayPlugin(name) ? v2rayWebSocket(options, port) : "";
  return typeof native === "string" ? undefined : native;
}
