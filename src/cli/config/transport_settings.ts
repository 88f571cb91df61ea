/**
 * The transports of Shadowsocks in a configuration file.
 *
 * @module
 */
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { badValue } from "../../errors.ts";
import type { WebSocketServerOptions } from "../../service/carriers/websocket/server.ts";
import type { Mode } from "../../service/options.ts";
import { fromObject } from "../settings/read.ts";
import type { Place } from "../settings/setting.ts";
import { knownKeys } from "../settings/tables.ts";
import { CARRIERS, TRANSPORT, WEBSOCKET } from "../settings/transport.ts";
import type { ConfigObject } from "./config_file.ts";
import type { ServerSettings } from "./server_settings.ts";

/** The transports of one server in a file, for both roles. */
export type SaidCarriers = Pick<ServerSettings, "transport" | "websocket">;

/**
 * Reads the objects `transport` and `websocket`.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function carriersFrom(
  object: ConfigObject,
  place: Place,
): SaidCarriers {
  fromObject(CARRIERS, object, place);
  return {
    transport: place === "server"
      ? transportFrom(object.child(CARRIERS.transport.key!))
      : undefined,
    websocket: websocketFrom(object.child(CARRIERS.websocket.key!)),
  };
}

/** Returns one warning for each unknown key of these objects. */
export function unknownCarrierKeys(object: ConfigObject): string[] {
  return (["transport", "websocket"] as const).flatMap((place) =>
    object.child(CARRIERS[place].key!)?.unknownKeys(knownKeys(place)) ?? []
  );
}

function transportFrom(
  object: ConfigObject | undefined,
): WebSocketTransport | undefined {
  if (object === undefined) return undefined;
  const said = fromObject(TRANSPORT, object, "transport");
  const { type, url, udpUrl, closeDelayMs, headers } = said;
  if (type === undefined) throw object.wrong("type", '"websocket"');
  if (url === undefined) {
    throw object.wrong("url", TRANSPORT.url.kind.expected);
  }
  return {
    type,
    url,
    ...udpUrl && { udpUrl },
    ...closeDelayMs && { closeDelayMs },
    ...headers && { headers },
  };
}

function websocketFrom(
  object: ConfigObject | undefined,
): WebSocketServerOptions | undefined {
  if (object === undefined) return undefined;
  const said = fromObject(WEBSOCKET, object, "websocket");
  const { listen, tcpPath, udpPath, closeDelayMs, trustedProxies = [] } = said;
  if (listen === undefined) throw object.wrong("listen", "HOST:PORT");
  if (tcpPath === undefined && udpPath === undefined) {
    throw object.wrong(
      "tcp_path",
      `${WEBSOCKET.tcpPath.kind.expected}, or "udp_path"`,
    );
  }
  if (tcpPath === udpPath) {
    throw object.wrong(
      "udp_path",
      "a path that differs from the one for streams",
    );
  }
  return {
    listen,
    ...tcpPath && { tcpPath },
    ...udpPath && { udpPath },
    ...closeDelayMs && { closeDelayMs },
    trustedProxies,
  };
}

/**
 * Checks that the mode of the server relays what its WebSockets carry.
 *
 * @throws {ConfigError} If it does not.
 */
export function checkWebSocket(
  { websocket, origin }: ServerSettings,
  mode: Mode,
): void {
  const path = mode === "tcp_only"
    ? websocket?.udpPath && "udp_path"
    : mode === "udp_only"
    ? websocket?.tcpPath && "tcp_path"
    : undefined;
  if (path === undefined) return;
  throw badValue(
    `${origin}: websocket.${path} needs "mode": "tcp_and_udp"; leave it out, ` +
      "or change the mode",
  );
}
