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
import { ConfigError } from "../../errors.ts";
import type { Outage } from "../../service/fleet/member.ts";

const SCHEME = "umbra-fleet:";

/** The content of a line. Secret. */
export interface JoinToken {
  /** The place of the engine, as `fleet` has it. */
  readonly fleet: string;
  /** The line of the key file. */
  readonly key: string;
  /** The line of the file with the engine's credentials. */
  readonly auth?: string;
  /** Certificates that the engine's TLS is trusted by. */
  readonly ca?: string;
  /** True if the engine is spoken to without TLS. */
  readonly plain?: true;
  readonly outage?: Outage;
  readonly port: number;
  readonly method: string;
  readonly mode?: string;
  /** The server's own key, for servers behind one address. */
  readonly password?: string;
}

/** Writes the line. Secret. */
export function formatToken(token: JoinToken): string {
  return SCHEME +
    encodeBase64Url(new TextEncoder().encode(JSON.stringify(token)));
}

/** True if a text is meant to be such a line. */
export function isToken(text: string): boolean {
  return text.startsWith(SCHEME);
}

/**
 * Reads the line.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for what is none; it does not repeat
 * it.
 */
export function parseToken(text: string): JoinToken {
  const bytes = isToken(text)
    ? decodeBase64(text.slice(SCHEME.length))
    : undefined;
  const token = bytes && readObject(new TextDecoder().decode(bytes));
  if (token === undefined || !isWhole(token)) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
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
