/**
 * The options of v2ray-plugin for its websocket mode with `mux=0`, which is a
 * WebSocket that carries the stream unchanged.
 *
 * Wire form: `key=value;key`, where `\` escapes `\`, `;` and `=`. Source:
 * v2ray-plugin 1.3.1.
 *
 * @module
 */
import { V2RAY_CLOSE_DELAY_MS } from "../limits.ts";
import type { WebSocketTransport } from "./websocket_transport.ts";

/** Both names of the program; the second one is Debian's. */
const PROGRAMS = /(?:^|[/\\])(?:ss-)?v2ray-plugin(?:\.exe)?$/;

/** True for the name or path of v2ray-plugin. */
export function isV2rayPlugin(name: string): boolean {
  return PROGRAMS.test(name);
}

/**
 * Returns the WebSocket that the program would open.
 *
 * @param options The options as they are written.
 * @param port The server's port.
 * @returns The WebSocket, or the reason why the program itself is needed.
 */
export function v2rayWebSocket(
  options: string,
  port: number,
): WebSocketTransport | string {
  const said = readOptions(options);
  const mode = said.get("mode") ?? "websocket";
  if (mode !== "websocket") return `mode=${mode} requires the program itself`;
  if (said.get("mux") !== "0") {
    return "this server expects v2ray's multiplexing: install v2ray-plugin, " +
      "or set mux=0 on both sides";
  }
  const own = ["cert", "certRaw", "server"].find((key) => said.has(key));
  if (own !== undefined) return `"${own}" requires the program itself`;
  const host = said.get("host") ?? "cloudfront.com";
  const path = said.get("path") ?? "/";
  if (!/^[A-Za-z0-9.:_-]+$/.test(host)) return '"host" is not a host name';
  if (!/^[\x21-\x7e]*$/.test(path)) return '"path" is not a path';
  return {
    type: "websocket",
    url: {
      isTls: said.has("tls"),
      host,
      port,
      path: path.startsWith("/") ? path : `/${path}`,
    },
    // The original server closes both directions at once. Its client does the
    // same after this time.
    closeDelayMs: V2RAY_CLOSE_DELAY_MS,
    // The original writes no port, not even an unusual one.
    headers: [["Host", host]],
  };
}

/**
 * Formats the same options for v2ray-plugin, for use in links.
 *
 * @returns `undefined` if v2ray-plugin has no option for a part of it.
 */
export function toV2rayPlugin(
  { url: { isTls, host, path }, udpUrl, headers = [] }: WebSocketTransport,
): string | undefined {
  const isPlain = udpUrl === undefined &&
    headers.every(([name, value]) =>
      name.toLowerCase() === "host" && value === host
    );
  if (!isPlain) return undefined;
  const escape = (text: string): string => text.replace(/[\\;=]/g, "\\$&");
  return [
    "v2ray-plugin",
    ...isTls ? ["tls"] : [],
    `host=${escape(host)}`,
    `path=${escape(path)}`,
    "mux=0",
  ].join(";");
}

/** Parses options; a key without a value is a switch. */
function readOptions(text: string): Map<string, string> {
  const parts = text.match(/(?:\\[^]|[^\\;])+/g) ?? [];
  return new Map(parts.map((part) => {
    const [, key = "", value = ""] = /^((?:\\[^]|[^\\=])*)=?([^]*)$/
      .exec(part) ?? [];
    return [unescape(key), unescape(value)] as const;
  }));
}

function unescape(text: string): string {
  return text.replace(/\\([^])/g, "$1");
}
