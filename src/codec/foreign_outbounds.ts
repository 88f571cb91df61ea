/**
 * Servers in the configurations of other programs: the outbounds of sing-box,
 * the proxies of Clash (mihomo, Stash).
 *
 * Does not: check the method. An entry of another protocol is ignored with a
 * warning.
 *
 * Security: no message repeats a value that may be a password.
 *
 * @module
 */
import { badValue, ConfigError } from "../errors.ts";
import { shownText } from "../text.ts";
import { type FlatMap, readMaps } from "./flow_yaml.ts";
import { collect, type OnlineConfig, type OnlineServer } from "./sip008.ts";
import { isObject } from "./json.ts";

/**
 * True if a parsed document is one outbound of sing-box, or has a list of them.
 */
export function isSingBox(document: unknown): boolean {
  if (!isObject(document)) return false;
  return Array.isArray(document["outbounds"]) ||
    /^shadowsocks/.test(String(document["type"])) && "server" in document;
}

/**
 * Reads outbounds of sing-box.
 *
 * @param document Parsed JSON: a configuration, or one outbound.
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` if no server is usable.
 */
export function readSingBox(document: unknown): OnlineConfig {
  const { outbounds = [document] } = document as Record<string, unknown>;
  const entries = (outbounds as unknown[]).map((entry) =>
    new Map(
      Object.entries(isObject(entry) ? entry : {}).map(([key, value]) => [
        key,
        typeof value === "string" || typeof value === "number"
          ? String(value)
          : "",
      ]),
    )
  );
  return readEntries("the sing-box outbounds", entries, {
    ss: "shadowsocks",
    ssr: "shadowsocksr",
    name: "tag",
    port: "server_port",
    method: "method",
    word: (name) => name,
  });
}

/** Makes one outbound of sing-box, for `JSON.stringify`. */
export function toSingBox(server: OnlineServer): Record<string, unknown> {
  if ("ssr" in server) throw noForm("sing-box");
  const { host, port, method, password, mode, tag } = server;
  return {
    type: "shadowsocks",
    tag: tag ?? `${host}:${port}`,
    server: host,
    server_port: port,
    method,
    password,
    ...mode !== undefined && { network: mode === "tcp_only" ? "tcp" : "udp" },
  };
}

/** True if a text contains proxies of Clash. */
export function isClash(text: string): boolean {
  return /^"?proxies"?\s*:/m.test(text);
}

/**
 * Reads proxies of Clash.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` if no server is usable.
 */
export function readClash(text: string): OnlineConfig {
  let entries: FlatMap[] | undefined;
  try {
    entries = readMaps(text, "proxies");
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  if (entries === undefined) {
    throw refuse("the Clash proxies", "no list of maps");
  }
  return readEntries("the Clash proxies", entries, {
    ss: "ss",
    ssr: "ssr",
    name: "name",
    port: "port",
    method: "cipher",
    word: (name) => name.replace("_", "-"),
  });
}

/** Formats one proxy of Clash, as a line of YAML. */
export function toClash(server: OnlineServer): string {
  const { host, port, tag } = server;
  const { method, password } = "ssr" in server ? server.ssr : server;
  const fields: (readonly [string, unknown])[] = [
    ["name", tag ?? `${host}:${port}`],
    ["type", "ssr" in server ? "ssr" : "ss"],
    ["server", host],
    ["port", port],
    ["cipher", method],
    ["password", password],
    ...("ssr" in server
      ? [
        ["protocol", server.ssr.protocol],
        ["protocol-param", server.ssr.protocolParam ?? ""],
        ["obfs", server.ssr.obfs],
        ["obfs-param", server.ssr.obfsParam ?? ""],
      ] as const
      : []),
    ["udp", "ssr" in server || server.mode !== "tcp_only"],
  ];
  const pairs = fields.map(([key, value]) =>
    `${key}: ${JSON.stringify(value)}`
  );
  return `  - {${pairs.join(", ")}}\n`;
}

/** The names that a program uses. */
interface Dialect {
  /** The value of the key "type". */
  readonly ss: string;
  readonly ssr: string;
  /** The key of the server's name. */
  readonly name: string;
  readonly port: string;
  readonly method: string;
  /** Returns a key of two words. */
  word(name: string): string;
}

function readEntries(
  what: string,
  entries: readonly FlatMap[],
  dialect: Dialect,
): OnlineConfig {
  const config = collect(
    entries,
    (entry, i) => {
      const name = shownText(entry.get(dialect.name) ?? "");
      return `entry ${i + 1}` + (name === "" ? "" : ` (${name})`);
    },
    (entry) => readEntry(entry, dialect),
  );
  if (config.servers.length > 0) return config;
  throw refuse(what, ["no usable server", ...config.warnings].join("; "));
}

/**
 * Reads one entry.
 *
 * @returns A server, or the reason why it is unusable.
 */
function readEntry(
  entry: FlatMap,
  { ss, ssr, name, port: portKey, method: methodKey, word }: Dialect,
): OnlineServer | string {
  const type = entry.get("type");
  if (type !== ss && type !== ssr) return `it is neither ${ss} nor ${ssr}`;
  const text = (key: string): string => entry.get(key) ?? "";
  const host = text("server").replace(/^\[(.*)\]$/, "$1");
  const port = Number(text(portKey));
  const method = text(methodKey);
  const password = text("password");
  if (host === "" || method === "") return "it has no server or no method";
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    return "its port is not in the range 1 to 65535";
  }
  if (password === "") return "it has no password";
  if (entry.has("plugin") && text("plugin") !== "") {
    return "it requires a plugin";
  }
  const shown = shownText(text(name));
  const tag = shown === "" ? {} : { tag: shown };
  const server = { host, port, method, password, ...tag };
  if (type === ss) return server;
  const protocolParam = text(word("protocol_param"));
  const obfsParam = text(word("obfs_param"));
  return {
    host,
    port,
    ...tag,
    ssr: {
      ...server,
      protocol: text("protocol") || "origin",
      obfs: text("obfs") || "plain",
      ...(protocolParam && { protocolParam }),
      ...(obfsParam && { obfsParam }),
    },
  };
}

function noForm(program: string): ConfigError {
  return badValue(
    `Cannot write ShadowsocksR for ${program}: it is not supported there`,
  );
}

function refuse(what: string, why: string): ConfigError {
  return new ConfigError("ERR_ONLINE_CONFIG", `Cannot use ${what}: ${why}`);
}
