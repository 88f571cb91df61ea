/**
 * Everything that a server needs to join a fleet, as one line:
 *
 * ```text
 * umbra-fleet:BASE64URL(JSON)
 * ```
 *
 * It is a secret, because it contains the fleet key.
 *
 * @module
 */
import { decodeBase64, encodeBase64Url } from "../../codec/base64.ts";
import { badValue } from "../../errors.ts";
import type { Outage } from "../../service/fleet/member.ts";

const SCHEME = "umbra-fleet:";

/** The content of the line. Secret. */
export interface JoinToken {
  /** The URL of the engine, as in the setting `fleet`. */
  readonly fleet: string;
  /** The line of the key file. */
  readonly key: string;
  /** The line of the file with the engine's credentials. */
  readonly auth?: string;
  /** PEM certificates of the engine's certification authority. */
  readonly ca?: string;
  /** True if the connection to the engine does not use TLS. */
  readonly plain?: true;
  readonly outage?: Outage;
  readonly port: number;
  readonly method: string;
  readonly mode?: string;
  /** The server's own key, which servers behind one address share. */
  readonly password?: string;
}

/** Formats the line. Secret. */
export function formatToken(token: JoinToken): string {
  return SCHEME +
    encodeBase64Url(new TextEncoder().encode(JSON.stringify(token)));
}

/** True if a text starts like such a line. */
export function isToken(text: string): boolean {
  return text.startsWith(SCHEME);
}

/**
 * Parses the line.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if the line is invalid; the message
 * does not repeat it.
 */
export function parseToken(text: string): JoinToken {
  const bytes = isToken(text)
    ? decodeBase64(text.slice(SCHEME.length))
    : undefined;
  const token = bytes && readObject(new TextDecoder().decode(bytes));
  if (token === undefined || !isWhole(token)) {
    throw badValue(
      "This is not a line that umbra fleet token printed: copy the whole line",
    );
  }
  return token;
}

function readObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null
      ? value as Record<string, unknown>
      : undefined;
  } catch {
    return undefined;
  }
}

function isWhole(
  token: Record<string, unknown>,
): token is Record<string, unknown> & JoinToken {
  const isText = (name: string): boolean => typeof token[name] === "string";
  return ["fleet", "key", "method"].every(isText) &&
    typeof token.port === "number" &&
    ["auth", "ca", "mode", "outage", "password"].every((name) =>
      token[name] === undefined || isText(name)
    ) &&
    [undefined, true].includes(token.plain as undefined);
}
