/**
 * Where a WebSocket that carries Shadowsocks is, as configurations say it.
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
  /** The path with its query; as good as a password. */
  readonly path: string;
}

/** The WebSocket that carries Shadowsocks in the place of plain TCP and UDP. */
export interface WebSocketTransport {
  /** Tells it from others. */
  readonly type: "websocket";
  /** The address for streams. */
  readonly url: WebSocketUrl;
  /** The address for packets; not set: they are sent as plain UDP. */
  readonly udpUrl?: WebSocketUrl;
  /**
   * Milliseconds of quiet between the last byte of a stream and its end, for
   * servers that drop what they have not passed on by then; default 0.
   */
  readonly closeDelayMs?: number;
  /** Fields of the request beside those that the handshake needs. */
  readonly headers?: readonly HttpField[];
}

/** Reads an address; `undefined` for what is none. */
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

/** The address as text. Secret: see {@link WebSocketUrl.path}. */
export function formatWebSocketUrl(url: WebSocketUrl): string {
  return `${url.isTls ? "wss" : "ws"}://${authorityOf(url)}${url.path}`;
}

/** Host, and port unless it is the usual one, as the `Host` field has it. */
export function authorityOf({ isTls, host, port }: WebSocketUrl): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === (isTls ? 443 : 80) ? name : `${name}:${port}`;
}

/**
 * The fields of a list of headers, read.
 *
 * @returns `undefined` for what could end a line, or is the handshake's own.
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
