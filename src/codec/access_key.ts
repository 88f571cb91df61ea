/**
 * Dynamic access keys of Outline. They describe the servers of a provider as a
 * tree of parts, each of which names its type.
 *
 * Wire form: `{"transport": {"$type": "tcpudp", "tcp": STREAMS, "udp":
 * PACKETS}}` as JSON or YAML, where STREAMS and PACKETS are `{"$type":
 * "shadowsocks", "endpoint", "cipher", "secret", "prefix"?}` and an endpoint is
 * `HOST:PORT`, or another part; `{"error": {"message", "details"?}}` if the
 * provider has no servers. Source: Outline, "Access key configuration". Does
 * not: read YAML.
 *
 * Security: no message repeats a secret, nor the path of an address.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { shownText } from "../text.ts";
import type { ListedServer, OnlineConfig } from "./sip008.ts";
import { parseServerUri } from "./uri.ts";
import {
  parseWebSocketUrl,
  type WebSocketTransport,
} from "./websocket_transport.ts";
import { isObject } from "./json.ts";

type Fields = Readonly<Record<string, unknown>>;

/** Maximum nesting of parts, and so of the chain of hops. */
const MAX_DEPTH = 8;

/** True if a parsed document is an access key, or the provider's error. */
export function isAccessKey(document: unknown): document is Fields {
  return isObject(document) && ("transport" in document || "error" in document);
}

/**
 * Reads a key.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` with the provider's message if the
 * key is an error; also if no server is usable.
 */
export function readAccessKey(document: Fields): OnlineConfig {
  const { error, transport } = document;
  if (error !== undefined && error !== null) throw providerSays(error);
  const warnings: string[] = [];
  const { tcp, udp } = bothOf(transport);
  const streams = read("tcp", tcp, warnings);
  const packets = read("udp", udp, warnings);
  const servers = join(streams, packets);
  if (servers.length > 0) return { servers, warnings };
  throw refuse(["it contains no usable server", ...warnings].join("; "));
}

/** Returns the parts for streams and for packets; `null` means none. */
function bothOf(
  transport: unknown,
): { readonly tcp: unknown; readonly udp: unknown } {
  if (!isObject(transport) || transport["$type"] !== "tcpudp") {
    return { tcp: transport, udp: transport };
  }
  return { tcp: transport["tcp"], udp: transport["udp"] };
}

/**
 * Reads one part.
 *
 * @returns `undefined` if the part is missing or unusable.
 */
function read(
  network: "tcp" | "udp",
  part: unknown,
  warnings: string[],
): ListedServer | undefined {
  if (part === null || part === undefined) return undefined;
  const server = readDialer(part, network, 0);
  if (typeof server !== "string") return server;
  warnings.push(`${network} is left out: ${server}`);
  return undefined;
}

/**
 * Reads a dialer of streams or packets.
 *
 * @returns The server, or the reason why it is unusable.
 */
function readDialer(
  part: unknown,
  network: "tcp" | "udp",
  depth: number,
): ListedServer | string {
  if (depth > MAX_DEPTH) return "its parts are nested too deeply";
  if (typeof part === "string") return readUri(part, network);
  if (!isObject(part)) return "a part is not an object";
  const type = part["$type"] ?? "shadowsocks";
  if (type === "first-supported") {
    return firstOf(part, (one) => readDialer(one, network, depth + 1));
  }
  if (type !== "shadowsocks") {
    return `$type ${shownText(String(type)).slice(0, 40)} is not supported`;
  }
  const method = textOf(part["cipher"]);
  const password = textOf(part["secret"]);
  const prefix = textOf(part["prefix"]);
  if (method === undefined) return '"cipher" is not text';
  if (password === undefined) return '"secret" is not text';
  const place = readEndpoint(part["endpoint"], network, depth + 1);
  if (typeof place === "string") return place;
  return {
    ...place,
    method,
    password,
    ...prefix !== undefined &&
      (network === "tcp" ? { prefix } : { packetPrefix: prefix }),
  };
}

function readUri(text: string, network: "tcp" | "udp"): ListedServer | string {
  try {
    const { extra: _, prefix, ...server } = parseServerUri(text);
    if (prefix === undefined) return server;
    return { ...server, ...network === "tcp" && { prefix } };
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

type Place = Pick<ListedServer, "host" | "port" | "transport" | "through">;

function readEndpoint(
  part: unknown,
  network: "tcp" | "udp",
  depth: number,
): Place | string {
  if (depth > MAX_DEPTH) return "its parts are nested too deeply";
  if (typeof part === "string") {
    return readAddress(part) ?? '"endpoint" is not HOST:PORT';
  }
  if (!isObject(part)) return '"endpoint" is not HOST:PORT';
  const type = part["$type"];
  switch (type) {
    case "dial":
    case undefined:
      return readDial(part, network, depth);
    case "websocket":
      return readWebSocket(part, network, depth);
    case "first-supported":
      return firstOf(part, (one) => readEndpoint(one, network, depth + 1));
    default:
      return `$type ${shownText(String(type)).slice(0, 40)} is not supported`;
  }
}

/** Reads an address. A dialer in the part is the server on the way to it. */
function readDial(
  part: Fields,
  network: "tcp" | "udp",
  depth: number,
): Place | string {
  const place = readAddress(part["address"]);
  if (place === undefined) return '"address" is not HOST:PORT';
  const { dialer } = part;
  const isDirect = dialer === undefined || dialer === null ||
    isObject(dialer) && dialer["$type"] === "direct";
  if (isDirect) return place;
  const through = readDialer(dialer, network, depth + 1);
  if (typeof through === "string") return through;
  return through.plugin === undefined
    ? { ...place, through }
    : "a hop behind a plugin is not supported";
}

function readWebSocket(
  part: Fields,
  network: "tcp" | "udp",
  depth: number,
): Place | string {
  const url = parseWebSocketUrl(textOf(part["url"]) ?? "");
  if (url === undefined) return '"url" is not wss://HOST/PATH';
  const { endpoint } = part;
  const place = endpoint === undefined || endpoint === null
    ? { host: url.host, port: url.port }
    : readEndpoint(endpoint, network, depth + 1);
  if (typeof place === "string") return place;
  if ("transport" in place || "through" in place) {
    return "a WebSocket inside another transport is not supported";
  }
  const transport: WebSocketTransport = {
    type: "websocket",
    url,
    ...network === "udp" && { udpUrl: url },
  };
  return { ...place, transport };
}

function firstOf<T>(
  part: Fields,
  read: (option: unknown) => T | string,
): T | string {
  const { options } = part;
  if (!Array.isArray(options)) return '"options" is not a list';
  const reasons = new Set<string>();
  for (const option of options) {
    const found = read(option);
    if (typeof found !== "string") return found;
    reasons.add(found);
  }
  return [...reasons].join(", ") || '"options" is empty';
}

/**
 * Returns one server for both networks if they are equal, otherwise one for
 * each.
 */
function join(
  tcp: ListedServer | undefined,
  udp: ListedServer | undefined,
): ListedServer[] {
  if (tcp === undefined || udp === undefined) {
    return [
      ...tcp ? [{ ...tcp, udpWeight: 0 }] : [],
      ...udp ? [{ ...udp, tcpWeight: 0 }] : [],
    ];
  }
  const { packetPrefix, transport } = udp;
  const isSame = identity(tcp) === identity(udp) &&
    (tcp.transport === undefined) === (transport === undefined);
  if (!isSame) return [{ ...tcp, udpWeight: 0 }, { ...udp, tcpWeight: 0 }];
  return [{
    ...tcp,
    ...packetPrefix !== undefined && { packetPrefix },
    ...tcp.transport && transport &&
      { transport: { ...tcp.transport, udpUrl: transport.url } },
  }];
}

/** Returns a text that is equal for servers with the same place and key. */
function identity(server: ListedServer): string {
  const { prefix: _, packetPrefix: _1, transport: _2, ...rest } = server;
  return JSON.stringify(
    rest,
    (key, value) =>
      key === "prefix" || key === "packetPrefix" ? undefined : value,
  );
}

function readAddress(text: unknown): Place | undefined {
  const [, ip, name, digits] = typeof text === "string"
    ? /^(?:\[([\da-fA-F:.]+)\]|([^\s:/?#@%[\]]+)):(\d{1,5})$/.exec(text) ?? []
    : [];
  const host = ip ?? name;
  const port = Number(digits);
  return host === undefined || port < 1 || port > 65_535
    ? undefined
    : { host, port };
}

/** Makes an error from the provider's message. */
function providerSays(error: unknown): ConfigError {
  const { message, details } = isObject(error)
    ? error
    : { message: error, details: undefined };
  const said = shownText(textOf(message) ?? "it has no servers for you");
  const more = shownText(textOf(details) ?? "");
  return new ConfigError(
    "ERR_ONLINE_CONFIG",
    `the provider says: ${said}${more === "" ? "" : ` (${more})`}`,
  );
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" && value.isWellFormed()
    ? value
    : undefined;
}

function refuse(why: string): ConfigError {
  return new ConfigError("ERR_ONLINE_CONFIG", `Cannot use access key: ${why}`);
}
