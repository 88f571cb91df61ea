/**
 * The address of a WebSocket that carries Shadowsocks, as configurations name
 * it.
 *
 * @module
 */
import type { HttpField } from "./http_head.ts";

/** Address of a WebSocket: `ws://` or `wss://`, host, port and path. */
export interface WebSocketUrl {
  /** True for `wss://`. */
  readonly isTls: boolean;
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** The path with its query; it is a secret, like a password. */
  readonly path: string;
}

/** The WebSocket that replaces plain TCP and UDP. */
export interface WebSocketTransport {
  /** The kind of transport. */
  readonly type: "websocket";
  /** The address for streams. */
  readonly url: WebSocketUrl;
  /** The address for packets; not set: they are sent as plain UDP. */
  readonly udpUrl?: WebSocketUrl;
  /**
   * Milliseconds without traffic between the last byte of a stream and its end,
   * for servers that otherwise drop bytes in transit; default 0.
   */
  readonly closeDelayMs?: number;
  /** Additional fields of the handshake request. */
  readonly headers?: readonly HttpField[];
}

/** Parses an address; `undefined` if it is not valid. */
export function parseWebSocketUrl(text: string): WebSocketUrl | undefined {
  const url = URL.parse(text);
  if (url === null || !/^wss?:$/.test(url.protocol)) return undefined;
  const { hostname, username, password, hash, pathname, search } = url;
  if (hostname === "" || username !== "" || password !== "" || hash !== "") {
    return undefined;
  }
  const isTls = url.protocol === "wss:";
  const port = url.port === "" ? (isTls ? 443 : 80) : Number(url.port);
  if (port === 0) return undefined;
  return {
    isTls,
    host: hostname.replace(/^\[(.*)\]$/, "$1"),
    port,
    path: `${pathname}${search}`,
  };
}

/** Formats the address. It is a secret: see {@link WebSocketUrl.path}. */
export function formatWebSocketUrl(url: WebSocketUrl): string {
  return `${url.isTls ? "wss" : "ws"}://${authorityOf(url)}${url.path}`;
}

/**
 * Returns the host, and the port unless it is the default, for the `Host`
 * field.
 */
export function authorityOf({ isTls, host, port }: WebSocketUrl): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (isTls ? 443 : 80) ? name : `${name}:${port}`;
}

/**
 * Reads a map of headers.
 *
 * @returns `undefined` if a header could end a line, or belongs to the
 * handshake.
 */
export function readHeaders(
  headers: Readonly<Record<string, unknown>>,
): HttpField[] | undefined {
  const fields: HttpField[] = [];
  for (const [name, value] of Object.entries(headers)) {
    if (
      typeof value !== "string" || !/^[\x20-\x7e]*$/.test(value) ||
      !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(name) ||
      OWN_FIELDS.has(name.toLowerCase())
    ) return undefined;
    fields.push([name, value.trim()]);
  }
  return fields;
}

const OWN_FIELDS: ReadonlySet<string> = new Set([
  "connection",
  "upgrade",
  "content-length",
  "transfer-encoding",
  "sec-websocket-key",
  "sec-websocket-version",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
]);
