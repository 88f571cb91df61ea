/**
 * The configurations of both original lightsocks programs, and the URL of the
 * Python one.
 *
 * Wire form: the Go program has `{"listen", "remote", "password"}`, the Python
 * program `{"serverAddr", "serverPort", "localAddr", "localPort", "password"}`
 * and `http://HOST:PORT/#PASSWORD`. Does not: read the configurations, because
 * their keys are settings of Umbra.
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

/** The content of a lightsocks configuration or URL. */
export interface LightsocksConfig {
  /** The address of the server, or the address on which it listens. */
  readonly server: Endpoint;
  /** The address of the local proxy. */
  readonly local: Endpoint;
  /** The 256 bytes that replace 0 to 255. */
  readonly table: Uint8Array;
}

/**
 * The address on which the Python program listens for a server given as URL.
 */
const URL_LOCAL: Endpoint = { host: "127.0.0.1", port: 1080 };

/**
 * True if a text looks like a lightsocks URL: its fragment is long enough for a
 * table. Fragments of other URLs are names.
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
  if (match === null || server === undefined) {
    throw new ConfigError(
      "ERR_SS_URI_INVALID",
      "Not a valid lightsocks URL: expected http://HOST:PORT/#PASSWORD",
    );
  }
  const table = parseLightsocksPassword(match[2]!.replace(/%3D/gi, "="));
  return { server, local: URL_LOCAL, table };
}

/** Formats `http://HOST:PORT/#PASSWORD`. */
export function formatLightsocksUrl(
  server: Endpoint,
  table: Uint8Array,
): string {
  const password = formatLightsocksPassword(table, "python");
  return `http://${formatAddress(server)}/#${password}`;
}

/**
 * Makes a local proxy's configuration for the Go program, for `JSON.stringify`.
 */
export function toGoConfig(
  { server, local, table }: LightsocksConfig,
): Record<string, unknown> {
  return {
    listen: formatAddress(local),
    remote: formatAddress(server),
    password: formatLightsocksPassword(table, "go"),
  };
}

/** Makes a configuration for the Python program, for `JSON.stringify`. */
export function toPythonConfig(
  { server, local, table }: LightsocksConfig,
): Record<string, unknown> {
  return {
    serverAddr: server.host,
    serverPort: server.port,
    localAddr: local.host,
    localPort: local.port,
    password: formatLightsocksPassword(table, "python"),
  };
}

/** Splits `HOST:PORT` or `[IPV6]:PORT`. */
function splitAddress(text: string): Endpoint | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}
