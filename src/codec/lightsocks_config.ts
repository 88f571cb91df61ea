/**
 * The configurations of both lightsocks originals as they are written, and the
 * URL of the Python one.
 *
 * Wire form: the Go original has `{"listen", "remote", "password"}`, the Python
 * original `{"serverAddr", "serverPort", "localAddr", "localPort",
 * "password"}` and `http://HOST:PORT/#PASSWORD`.
 * Does not: read the configurations, whose keys are settings like ours.
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

/** What a lightsocks configuration or URL says. */
export interface LightsocksConfig {
  /** The address of the server, or the address on which it listens. */
  readonly server: Endpoint;
  /** The address of the local. */
  readonly local: Endpoint;
  /** The 256 bytes that 0 to 255 are replaced by. */
  readonly table: Uint8Array;
}

/** Where the Python original listens when a URL names the server. */
const URL_LOCAL: Endpoint = { host: "127.0.0.1", port: 1080 };

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
  if (match === null || server === undefined) {
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

/** A local's configuration of the Go original, before `JSON.stringify`. */
export function toGoConfig(
  { server, local, table }: LightsocksConfig,
): Record<string, unknown> {
  return {
    listen: formatAddress(local),
    remote: formatAddress(server),
    password: formatLightsocksPassword(table, "go"),
  };
}

/** The configuration of the Python original, before `JSON.stringify`. */
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

/** `HOST:PORT` or `[IPV6]:PORT`. */
function splitAddress(text: string): Endpoint | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text);
  if (match === null) return undefined;
  const port = Number(match[3]);
  if (port < 1 || port > 65_535) return undefined;
  return { host: match[1] ?? match[2]!, port };
}
