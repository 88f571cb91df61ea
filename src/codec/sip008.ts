/**
 * Published lists of servers: their addresses and their content.
 *
 * Wire form: JSON, `{"version": 1, "servers": [{"server", "server_port",
 * "method", "password", "id"?, "remarks"?, "plugin"?, "prefix"?}]}`, with the
 * weights and the mode of shadowsocks-rust. Outline's forms are read as well: a
 * single server object, or `ss://` URIs on lines; also subscriptions: base64 of
 * lines of `ss://` and `ssr://`. Source: SIP008
 * (https://shadowsocks.org/doc/sip008.html). Does not: check the method.
 *
 * Security: no message repeats a password, nor the path of an address, which is
 * a secret as well.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { parseIp } from "./ip_address.ts";
import { isLightsocksUrl } from "./lightsocks_config.ts";
import { joinPlugin } from "./plugin_options.ts";
import { shownText } from "../text.ts";
import { parseSsrUri, readSubscription, type SsrUri } from "./ssr_uri.ts";
import { parseServerUri, type ServerUri } from "./uri.ts";
import type { WebSocketTransport } from "./websocket_transport.ts";
import { isObject, parseStrictJson } from "./json.ts";

/** One server of a list; its tag is the name for people. */
export type OnlineServer = ListedServer | ListedSsrServer;

/** A server that speaks Shadowsocks. */
export interface ListedServer extends Omit<ServerUri, "extra"> {
  /** The text with which the salt of each packet begins. */
  readonly packetPrefix?: string;
  /** The carrier of the streams. */
  readonly transport?: WebSocketTransport;
  /** A server on the way to this one. */
  readonly through?: ListedServer;
  /** Identifier for programs. */
  readonly id?: string;
  /** The networks of the server; not set: both. */
  readonly mode?: "tcp_only" | "udp_only";
  /** Share of TCP connections, 0 to 1. */
  readonly tcpWeight?: number;
  /** Share of UDP, 0 to 1. */
  readonly udpWeight?: number;
}

/** A server that speaks ShadowsocksR. */
export interface ListedSsrServer extends Pick<SsrUri, "host" | "port" | "tag"> {
  /** The link of the server. */
  readonly ssr: SsrUri;
}

/** The content of a list. */
export interface OnlineConfig {
  /** The servers, in the order of preference. */
  readonly servers: readonly OnlineServer[];
  /** One sentence for each unusable entry. */
  readonly warnings: readonly string[];
}

/**
 * True if a text looks like the address of a list: `https://`, `http://` or
 * Outline's `ssconf://`.
 */
export function isOnlineUrl(text: string): boolean {
  return /^(?:https?|ssconf):\/\//i.test(text.trim()) && !isLightsocksUrl(text);
}

/**
 * Parses the address of a list. Its fragment, a name for people, is dropped.
 *
 * The scheme is `https:` or `ssconf:`, which means the same. Without TLS the
 * host must be a loopback IP address, because anyone who can change the list
 * receives the traffic.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG`.
 */
export function parseOnlineUrl(text: string): URL {
  const url = URL.parse(text.trim().replace(/^ssconf:/i, "https:"));
  if (url === null) throw refuse("its address is not a URL");
  if (url.username !== "" || url.password !== "") {
    throw refuse("its address contains a user or a password");
  }
  url.hash = "";
  if (url.protocol === "https:") return url;
  if (url.protocol === "http:" && isLoopback(url.hostname)) return url;
  throw refuse(`${url.protocol}//${url.host} is not https`);
}

/**
 * Reads a list.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` if the text is not a list, has an
 * unknown version, or contains no usable server.
 */
export function parseOnlineConfig(text: string): OnlineConfig {
  const body = text.replace(/^\uFEFF/, "").trim();
  const links = readSubscription(body);
  const config = links?.length ? fromUris(links) : fromJson(body);
  if (config.servers.length > 0) return config;
  throw refuse(["it contains no usable server", ...config.warnings].join("; "));
}

function fromUris(lines: readonly string[]): OnlineConfig {
  return collect(lines, (_, i) => `line ${i + 1}`, (line) => {
    try {
      if (/^ssr:/i.test(line)) {
        const ssr = parseSsrUri(line);
        const { host, port, tag } = ssr;
        return { host, port, ...(tag && { tag }), ssr };
      }
      const { extra: _, ...server } = parseServerUri(line);
      return server;
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
  });
}

function fromJson(body: string): OnlineConfig {
  const document = parseStrictJson(body);
  if (document === undefined) {
    throw refuse("it is neither JSON nor ss:// URIs");
  }
  if (!isObject(document)) throw refuse("it is not a JSON object");
  const { version, servers, server } = document;
  if (servers === undefined && typeof server === "string") {
    return collect([document], nameOf, readServer);
  }
  if (version !== undefined && version !== 1) {
    throw refuse(`version ${JSON.stringify(version)} is unknown, expected 1`);
  }
  if (!Array.isArray(servers)) throw refuse('it has no list "servers"');
  const config = collect(servers, nameOf, readServer);
  if (version !== undefined) return config;
  const warning = "it has no version, 1 is assumed";
  return { ...config, warnings: [warning, ...config.warnings] };
}

/**
 * Reads each entry. An unusable entry becomes a warning.
 *
 * @param read Returns a server, or the reason why it is unusable.
 */
export function collect<T>(
  entries: readonly T[],
  name: (entry: T, index: number) => string,
  read: (entry: T) => OnlineServer | string,
): OnlineConfig {
  const servers: OnlineServer[] = [];
  const warnings: string[] = [];
  for (const [i, entry] of entries.entries()) {
    const server = read(entry);
    if (typeof server !== "string") servers.push(server);
    else warnings.push(`${name(entry, i)} is left out: ${server}`);
  }
  return { servers, warnings };
}

function readServer(entry: unknown): OnlineServer | string {
  const fields = isObject(entry) ? entry : {};
  const host = asText(fields["server"]);
  const port = Number(fields["server_port"]);
  const method = asText(fields["method"]);
  const password = asText(fields["password"]);
  if (host === undefined) return '"server" is not text';
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return '"server_port" is not in the range 1 to 65535';
  }
  if (method === undefined) return '"method" is not text';
  if (password === undefined) return '"password" is not text';
  if (![host, method, password].every((one) => one.isWellFormed())) {
    return "it is not well-formed text";
  }
  const plugin = asText(fields["plugin"]);
  const prefix = asText(fields["prefix"]);
  const options = asText(fields["plugin_opts"]);
  const tag = shownText(asText(fields["remarks"]) ?? "");
  const id = shownText(asText(fields["id"]) ?? "");
  const { mode } = fields;
  const tcpWeight = asWeight(fields["tcp_weight"]);
  const udpWeight = asWeight(fields["udp_weight"]);
  return {
    method,
    password,
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port,
    ...(plugin && {
      plugin: joinPlugin({ name: plugin, ...options && { options } }),
    }),
    ...(prefix && { prefix }),
    ...(tag && { tag }),
    ...(id && { id }),
    ...((mode === "tcp_only" || mode === "udp_only") && { mode }),
    ...(tcpWeight !== undefined && { tcpWeight }),
    ...(udpWeight !== undefined && { udpWeight }),
  };
}

/** Names an entry for people by its position, and its remarks, id or host. */
function nameOf(entry: unknown, index: number): string {
  const { remarks, id, server } = isObject(entry) ? entry : {};
  const name = [remarks, id, server].map((one) => shownText(asText(one) ?? ""))
    .find(Boolean);
  return `server ${index + 1}` + (name === undefined ? "" : ` (${name})`);
}

/**
 * Returns a share; `undefined` for other values, which are ignored like unknown
 * keys.
 */
function asWeight(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1
    ? value
    : undefined;
}

/** Returns text that is not empty. */
function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** True for 127.0.0.0/8 and ::1. A name could resolve to another machine. */
function isLoopback(hostname: string): boolean {
  const ip = parseIp(hostname.replace(/^\[(.*)\]$/, "$1"));
  if (ip?.length === 4) return ip[0] === 127;
  return ip !== undefined && ip.every((byte, i) => byte === (i === 15 ? 1 : 0));
}

function refuse(why: string): ConfigError {
  return new ConfigError(
    "ERR_ONLINE_CONFIG",
    `Cannot use the published list of servers: ${why}`,
  );
}
