/**
 * Plugins that need no program: what they would do is done here.
 *
 * @module
 */
import { isV2rayPlugin, v2rayWebSocket } from "../../codec/v2ray_plugin.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";

/**
 * What carries a server in the place of its plugin. The one place where that is
 * decided.
 *
 * @param plugin Name of the program, and its options: `name;key=value`.
 * @param port Of the server.
 * @returns Or why it takes a program.
 */
export function nativePlugin(
  plugin: string,
  port: number,
): WebSocketTransport | string {
  const [name = ""] = /^(?:\\[^]|[^\\;])*/.exec(plugin) ?? [];
  return isV2rayPlugin(name)
    ? v2rayWebSocket(plugin.slice(name.length + 1), port)
    : `it asks for the plugin "${name}"`;
}
