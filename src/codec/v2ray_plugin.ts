/**
 * The options of v2ray-plugin, as far as it is a WebSocket that carries a
 * stream as it is: its websocket mode with `mux=0`.
 *
 * Wire form: `key=value;key`, where `\` takes the meaning of `\`, `;` and `=`
 * away.
 * Source: v2ray-plugin 1.3.1.
 *
 * @module
 */
import { V2RAY_CLOSE_DELAY_MS } from "../limits.ts";
import type { WebSocketTransport } from "./websocket_transport.ts";

/** Both names of the program; the second is Debian's. */
const PROGRAMS = /(?:^|[/\\])(?:ss-)?v2ray-plugin(?:\.exe)?$/;

/** True for the program. */
export function isV2rayPlugin(name: string): boolean {
  return PROGRAMS.test(name);
}

/**
 * The WebSocket that the program would open.
 *
 * @param options As they are written.
 * @param port Of the server.
 * @returns Or why it takes the program itself.
 */
export function v2rayWebSocket(
  options: string,
  port: number,
): WebSocketTransport | string {
  const said = readOptions(options);
  const mode = said.get("mode") ?? "websocket";
  if (mode !== "websocket") return `mode=${mode} takes the program itself`;
  if (said.get("mux") !== "0") {
    return "this server expects v2ray's multiplexing: install v2ray-plugin, " +
      "or set mux=0 on both sides";
  }
  const own = ["cert", "certRaw", "server"].find((key) => said.has(key));
  if (own !== undefined) return `"${own}" takes the program itself`;
  const host = said.get("host") ?? "cloudfront.com";
  const path = said.get("path") ?? "/";
  if (!/^[A-Za-z0-9.:_-]+$/.test(host)) return '"host" is no name of a host';
  if (!/^[\x21-\x7e]*$/.test(path)) return '"path" is no path';
  return {
    type: "websocket",
    url: {
      isTls: said.has("tls"),
      host,
      port,
      path: path.startsWith("/") ? path : `/${path}`,
    },
    // Its server ends both directions at once, and so does its client after
    // this time.
    closeDelayMs: V2RAY_CLOSE_DELAY_MS,
    // It names no port, whichever it is.
    headers: [["Host", host]],
  };
}

/** The same options for the program that others have in their links. */
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

/** A key without a value is a switch. */
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
