/**
 * Published lists of servers: where they are, and what they say.
 *
 * Wire form: JSON, `{"version": 1, "servers": [{"server", "server_port",
 * "method", "password", "id"?, "remarks"?, "plugin"?, "prefix"?}]}`; the weights and the mode
 * of shadowsocks-rust are read with it. What Outline publishes is read as well:
 * one such server alone, or `ss://` URIs on lines; and so are subscriptions:
 * base64 of lines of `ss://` and `ssr://`.
 * Source: SIP008 (https://shadowsocks.org/doc/sip008.html).
 * Does not: know whether a method exists.
 *
 * Security: no message repeats a password, nor the path of an address, which
 * is as good as one.
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

/** One server of a list; its tag is what people call it. */
export type OnlineServer = ListedServer | ListedSsrServer;

/** A server that speaks Shadowsocks. */
export interface ListedServer extends Omit<ServerUri, "extra"> {
  /** The text with which the salt of each packet begins. */
  readonly packetPrefix?: string;
  /** The carrier of the streams. */
  readonly transport?: WebSocketTransport;
  /** A server on the way to it. */
  readonly through?: ListedServer;
  /** Name for programs. */
  readonly id?: string;
  /** The networks it serves; not set: both. */
  readonly mode?: "tcp_only" | "udp_only";
  /** Share for TCP beside the others, 0 to 1. */
  readonly tcpWeight?: number;
  /** Share for UDP, as `tcpWeight` is for TCP. */
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
  /** One sentence for each entry that cannot be used. */
  readonly warnings: readonly string[];
}

/**
 * True if a text is meant as the address of a list: `https://`, `http://` or
 * Outline's `ssconf://`.
 */
export function isOnlineUrl(text: string): boolean {
  return /^(?:https?|ssconf):\/\//i.test(text.trim()) && !isLightsocksUrl(text);
}

/**
 * The address of a list, without its fragment, which is a name for people.
 *
 * `https:` or `ssconf:`, which means the same. Without TLS only from this very
 * machine, by its IP address: anyone who can change the list gets the traffic.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG`.
 */
export function parseOnlineUrl(text: string): URL {
  const url = URL.parse(text.trim().replace(/^ssconf:/i, "https:"));
  if (url === null) throw refuse("its address is not a URL");
  if (url.username !== "" || url.password !== "") {
    throw refuse("its address has a user or a password in it");
  }
  url.hash = "";
  if (url.protocol === "https:") return url;
  if (url.protocol === "http:" && isLoopback(url.hostname)) return url;
  throw refuse(`${url.protocol}//${url.host} is not https`);
}

/**
 * Reads a list.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` when it is none, has a version that
 * we do not know, or no server.
 */
export function parseOnlineConfig(text: string): OnlineConfig {
  const body = text.replace(/^\uFEFF/, "").trim();
  const links = readSubscription(body);
  const config = links?.length ? fromUris(links) : fromJson(body);
  if (config.servers.length > 0) return config;
  throw refuse(["no usable server in it", ...config.warnings].join("; "));
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
  const document = asObject(parseJson(body));
  if (document === undefined) throw refuse("it is not a JSON object");
  const { version, servers, server } = document;
  if (servers === undefined && typeof server === "string") {
    return collect([document], nameOf, readServer);
  }
  if (version !== undefined && version !== 1) {
    throw refuse(`version ${JSON.stringify(version)} is not known, only 1 is`);
  }
  if (!Array.isArray(servers)) throw refuse('it has no list "servers"');
  const config = collect(servers, nameOf, readServer);
  if (version !== undefined) return config;
  const warning = "it does not tell its version, 1 is assumed";
  return { ...config, warnings: [warning, ...config.warnings] };
}

/**
 * Reads each entry; one that cannot be read does not spoil the others.
 *
 * @param read Returns a server, or why there is none.
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
  const fields = asObject(entry) ?? {};
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

/** The name of an entry for people: its place, and its remarks, id or host. */
function nameOf(entry: unknown, index: number): string {
  const { remarks, id, server } = asObject(entry) ?? {};
  const name = [remarks, id, server].map((one) => shownText(asText(one) ?? ""))
    .find(Boolean);
  return `server ${index + 1}` + (name === undefined ? "" : ` (${name})`);
}

/** A share; what is none is left to the default, as unknown keys are. */
function asWeight(value: unknown): number | undefined {
  return typeof value === "number" && value >= 0 && value <= 1
    ? value
    : undefined;
}

/** Text that is not empty. */
function asText(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // Its message quotes what it cannot read, which may be a password.
    throw refuse("it is neither JSON nor ss:// URIs");
  }
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

/** 127.0.0.0/8 or ::1; a name could lead anywhere. */
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
