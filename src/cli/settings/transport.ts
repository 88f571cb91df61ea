/**
 * Settings of the transports that replace plain TCP and UDP, for a local and
 * for a server.
 *
 * @module
 */
import type { HttpField } from "../../codec/http_head.ts";
import {
  formatWebSocketUrl,
  parseWebSocketUrl,
  readHeaders,
  type WebSocketUrl,
} from "../../codec/websocket_transport.ts";
import { type CidrBlock, parseCidr } from "../../security/target_policy.ts";
import type { Endpoint } from "../../transport.ts";
import { choice, ENDPOINT, object, seconds, several, textAs } from "./kinds.ts";
import {
  type Kind,
  OF_SERVER,
  type Place,
  type Settings,
  settings,
} from "./setting.ts";

/** The keys of the objects below. */
export const CARRIERS: Settings<{
  readonly transport: object;
  readonly websocket: object;
}> = {
  transport: {
    key: "transport",
    // At the top, "transport" chooses the sockets.
    places: ["server"],
    kind: object({ $ref: "#/$defs/transport" }, "an object"),
    role: "local",
    help: "Transport to the server instead of plain TCP and UDP; see below",
    reload: "adopts",
  },
  websocket: {
    key: "websocket",
    places: OF_SERVER,
    kind: object({ $ref: "#/$defs/websocket" }, "an object"),
    role: "server",
    help: "Address on which a server also accepts WebSockets; see below",
    reload: "listens",
  },
};

const OF_TRANSPORT: readonly Place[] = ["transport"];

const URL_KIND: Kind<WebSocketUrl> = {
  ...textAs({
    value: "URL",
    expected: "wss://HOST/PATH or ws://HOST/PATH",
    read: parseWebSocketUrl,
    write: formatWebSocketUrl,
  }),
  secret: true,
};

const CLOSE_DELAY: Kind<number> = seconds(0, "seconds in digits");

/** The transport from a local to its server. */
export const TRANSPORT: Settings<{
  readonly type: "websocket";
  readonly url: WebSocketUrl;
  readonly udpUrl: WebSocketUrl;
  readonly closeDelayMs: number;
  readonly headers: HttpField[];
}> = settings({ places: OF_TRANSPORT, reload: "adopts" }, {
  type: {
    key: "type",
    kind: choice("TYPE", ["websocket"] as const, '"websocket"'),
    help: "Kind of transport: `websocket`",
  },
  url: {
    key: "url",
    kind: URL_KIND,
    help: "The WebSocket for streams; keep its path secret. `server` and " +
      "`server_port` may name another host to connect to",
  },
  udpUrl: {
    key: "udp_url",
    kind: URL_KIND,
    usual: "no UDP with this server",
    help: "The WebSocket for packets",
  },
  closeDelayMs: {
    key: "close_delay",
    kind: CLOSE_DELAY,
    default: 0,
    help: "Delay between the last byte of a stream and its end; a link to " +
      "v2ray-plugin, whose server has no half-close, uses 5",
  },
  headers: {
    key: "headers",
    kind: {
      type: "object",
      expected: "HTTP fields as text, except those of the handshake",
      schema: { type: "object", additionalProperties: { type: "string" } },
      secret: true,
      read: (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? readHeaders(value as Record<string, unknown>)
          : undefined,
    },
    help: 'Fields of the request, as `{ "User-Agent": "…" }`',
  },
});

const OF_WEBSOCKET: readonly Place[] = ["websocket"];

const PATH: Kind<string> = {
  ...textAs({
    value: "PATH",
    expected: "a path that begins with /, without spaces",
    read: (text) => /^\/[\x21-\x7e]*$/.test(text) ? text : undefined,
  }),
  secret: true,
};

/** The address on which a server accepts WebSockets. */
export const WEBSOCKET: Settings<{
  readonly listen: Endpoint;
  readonly tcpPath: string;
  readonly udpPath: string;
  readonly closeDelayMs: number;
  readonly trustedProxies: CidrBlock[];
}> = settings({ places: OF_WEBSOCKET, reload: "listens" }, {
  listen: {
    key: "listen",
    kind: ENDPOINT,
    help: "Listening address for the web server in front",
  },
  tcpPath: {
    key: "tcp_path",
    kind: PATH,
    help: "Path of the WebSocket for streams; keep it secret",
  },
  udpPath: {
    key: "udp_path",
    kind: PATH,
    help: "The same for packets; `mode` must have UDP",
  },
  closeDelayMs: {
    key: "close_delay",
    kind: CLOSE_DELAY,
    default: 0,
    help:
      "Delay between the last byte of a stream and its end. The clients of " +
      "v2ray-plugin drop data that they have not passed on at the end; its " +
      "own server waits 2 seconds",
  },
  trustedProxies: {
    key: "trusted_proxies",
    kind: several(textAs<CidrBlock>({
      value: "CIDR",
      expected: "an IP address, or IP/BITS",
      read: parseCidr,
    })),
    usual: "none",
    help: "Web servers whose `X-Forwarded-For` is the address of a client",
  },
});
