/**
 * Reads the bodies of requests to the management APIs: JSON to typed values.
 *
 * Every function throws `ConfigError` with `ERR_CONFIG_SYNTAX` or
 * `ERR_CONFIG_VALUE`; the message names the field and never a secret.
 *
 * @module
 */
import { badValue, ConfigError } from "../errors.ts";
import { type UserLimits, userNameFault } from "../users.ts";
import type { NewUser, UserChange } from "./operator.ts";

/** The fields of a JSON object. */
export type Fields = ReadonlyMap<string, unknown>;

/**
 * Reads an object.
 *
 * @param known The allowed fields; any other is a mistake.
 */
export async function readFields(
  request: Request,
  known: readonly string[],
): Promise<Fields> {
  return toFields(
    parseJson(decode(await request.bytes())),
    known,
    "The body",
  );
}

/** Reads the fields of a new user: `name`, and those of a change. */
export function readNewUser(fields: Fields): NewUser {
  return { name: readName(fields.get("name"), "name"), ...readChange(fields) };
}

/**
 * Reads the fields of a change: `password`, `limits`, `disabled`; all are
 * optional.
 */
export function readChange(fields: Fields): UserChange {
  const password = fields.get("password");
  const disabled = fields.get("disabled");
  const limits = fields.get("limits");
  if (disabled !== undefined && typeof disabled !== "boolean") {
    throw badValue('"disabled": expected true or false');
  }
  return {
    ...(password !== undefined &&
      { password: readText(password, "password") }),
    ...(limits !== undefined && { limits: readLimits(limits) }),
    ...(disabled !== undefined && { disabled }),
  };
}

/** Reads the name of a user. */
export function readName(value: unknown, field: string): string {
  const name = readText(value, field);
  const fault = userNameFault(name);
  if (fault !== undefined) throw badValue(`"${field}" ${fault}`);
  return name;
}

/** Reads text that is not empty and is well formed. */
export function readText(value: unknown, field: string): string {
  if (typeof value !== "string" || value === "") {
    throw badValue(`"${field}": expected text that is not empty`);
  }
  if (value.isWellFormed()) return value;
  throw badValue(
    `"${field}": expected well-formed text without lone surrogates`,
  );
}

/** Smallest value of each limit. */
const LEAST: Readonly<Record<keyof UserLimits, number>> = {
  quotaBytes: 0,
  bytesPerSecond: 1,
  maxConnections: 1,
  maxHosts: 1,
  expiresUnixMs: 0,
};

function readLimits(value: unknown): UserLimits {
  const fields = toFields(value, Object.keys(LEAST), '"limits"');
  for (const [field, limit] of fields) {
    const least = LEAST[field as keyof UserLimits];
    if (!Number.isSafeInteger(limit) || (limit as number) < least) {
      throw badValue(`"${field}": expected a whole number, ${least} or more`);
    }
  }
  return Object.fromEntries(fields);
}

function toFields(
  value: unknown,
  known: readonly string[],
  what: string,
): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw badValue(`${what}: expected an object`);
  }
  const fields = new Map(Object.entries(value));
  for (const field of fields.keys()) {
    if (!known.includes(field)) {
      throw badValue(
        `${what} has an unknown field, expected ${known.join(", ")}`,
      );
    }
  }
  return fields;
}

function decode(bytes: Uint8Array): string {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConfigError("ERR_CONFIG_SYNTAX", "The body is not UTF-8");
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    // The runtime's message may quote the text, which may contain a password.
    throw new ConfigError("ERR_CONFIG_SYNTAX", "The body is not JSON");
  }
}
