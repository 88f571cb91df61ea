/**
 * The configurations of both lightsocks originals, and the URL of the Python
 * one.
 *
 * Wire form: the Go original has `{"listen", "remote", "password"}`, the Python
 * original `{"serverAddr", "serverPort", "localAddr", "localPort",
 * "password"}` and `http://HOST:PORT/#PASSWORD`.
 * Does not: read files; it takes JSON that was parsed.
 *
 * Security: no error message repeats any part of the password.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import type { Endpoint } from "../transport.ts";
import { formatAddress } from "./address.ts";
import {
  formatLightsocksPassword,
  parseLightsocksPassword,
} from "./lightsocks_password.ts";

/** What a lightsocks configuration says. */
export interface LightsocksConfig {
  /** Where the server is, or listens; not set where it is not said. */
  readonly server?: Endpoint;
  /** Where the local listens; not set where it is not said. */
  readonly local?: Endpoint;
  /** The 256 bytes that 0 to 255 are replaced by. */
  readonly table: Uint8Array;
}

/** Every interface, of IPv4 and IPv6. */
const EVERYWHERE = "::";

/** Where the Python original listens when a URL names the server. */
const URL_LOCAL: Endpoint = { host: "127.0.0.1", port: 1080 };

/** Whether a parsed configuration has the keys of one of the originals. */
export function isLightsocksConfig(document: unknown): boolean {
  return isObject(document) && "password" in document &&
    ["listen", "remote", "serverAddr"].some((key) => key in document);
}

/**
 * Reads a configuration of either original, told apart by its keys.
 *
 * @param document Parsed JSON.
 * @param role Whose configuration it is: the Go original calls the address of
 * both roles `listen`.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` that names the key;
 * `ERR_SS_KEY_LENGTH` for the password.
 */
export function readLightsocksConfig(
  document: unknown,
  role: "local" | "server",
): LightsocksConfig {
  if (!isObject(document)) {
    throw wrong("the root", "an object", typeof document);
  }
  const { password } = document;
  if (typeof password !== "string") {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      'Expected "password" to be text in the lightsocks configuration',
    );
  }
  const table = parseLightsocksPassword(password);
  if ("serverAddr" in document || "serverPort" in document) {
    return {
      server: readPair(document, "serverAddr", "serverPort"),
      local: readPair(document, "localAddr", "localPort"),
      table,
    };
  }
  const listen = readAddress(document, "listen", EVERYWHERE);
  if (role === "server") return { ...(listen && { server: listen }), table };
  const server = readAddress(document, "remote", "127.0.0.1");
  return { ...(listen && { local: listen }), ...(server && { server }), table };
}

/**
 * True if a text is meant as such a URL: a fragment that is long enough for a
 * table, where other addresses have a name for people.
 */
export function isLightsocksUrl(text: string): boolean {
  return /^\s*http:\/\/[^/?#@]+\/?#[\w+/=%-]{300,}\s*$/i.test(text);
}

/**
 * Reads `http://HOST:PORT/#PASSWORD`.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID`; `ERR_SS_KEY_LENGTH`.
 */
export function parseLightsocksUrl(text: string): LightsocksConfig {
  const match = /^http:\/\/([^/?#@]+)\/?#(.+)$/is.exec(text.trim());
  const server = match ? splitAddress(match[1]!) : undefined;
  if (match === null || server === undefined || server.host === "") {
    throw new ConfigError(
      "ERR_SS_URI_INVALID",
      "Not a valid lightsocks URL: expected http://HOST:PORT/#PASSWORD",
    );
  }
  const table = parseLightsocksPassword(match[2]!.replace(/%3D/gi, "="));
  return { server, local: URL_LOCAL, table };
}

/** Writes `http://HOST:PORT/#PASSWORD`. */
export function formatLightsocksUrl(
  server: Endpoint,
  table: Uint8Array,
): string {
  const password = formatLightsocksPassword(table, "python");
  return `http://${formatAddress(server)}/#${password}`;
}

/** The configuration of the Go original for one role, before `JSON.stringify`. */
export function toGoConfig(
  { server, local, table }: LightsocksConfig,
  role: "local" | "server",
): Record<string, unknown> {
  const listen = role === "server" ? server : local;
  return {
    ...(listen && { listen: formatAddress(listen) }),
    ...(role === "local" && server && { remote: formatAddress(server) }),
    password: formatLightsocksPassword(table, "go"),
  };
}

/** The configuration of the Python original, before `JSON.stringify`. */
export function toPythonConfig(
  { server, local, table }: LightsocksConfig,
): Record<string, unknown> {
  return {
    ...(server && { serverAddr: server.host, serverPort: server.port }),
    ...(local && { localAddr: local.host, localPort: local.port }),
    password: formatLightsocksPassword(table, "python"),
  };
}

function readAddress(
  document: Record<string, unknown>,
  key: string,
  unnamedHost: string,
): Endpoint | undefined {
  const value = document[key];
  if (value === undefined || value === "") return undefined;
  const address = typeof value === "string" ? splitAddress(value) : undefined;
  if (address === undefined) throw wrong(`"${key}"`, "HOST:PORT", value);
  return { host: address.host || unnamedHost, port: address.port };
}

function readPair(
  document: Record<string, unknown>,
  hostKey: string,
  portKey: string,
): Endpoint {
  const host = document[hostKey];
  const port = Number(document[portKey]);
  if (typeof host !== "string" || host === "") {
    throw wrong(`"${hostKey}"`, "a name or an IP address", host);
  }
  if (!isPort(port)) {
    throw wrong(`"${portKey}"`, "a port from 1 to 65535", document[portKey]);
  }
  return { host, port };
}

/** `HOST:PORT`, `[IPV6]:PORT` or `:PORT`. */
function splitAddress(text: string): Endpoint | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]*)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  return isPort(port) ? { host: match[1] ?? match[2]!, port } : undefined;
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wrong(what: string, expected: string, value: unknown): ConfigError {
  const shown = value === undefined ? "nothing" : JSON.stringify(value);
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `Expected ${what} of the lightsocks configuration to be ${expected}, ` +
      `got ${shown}`,
  );
}
