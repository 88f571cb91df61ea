/**
 * Reads the keys of an Outline server from its `shadowbox_config.json`.
 *
 * Security: no message repeats a value that may be a password.
 *
 * @module
 */
import { badValue, type ConfigError } from "../../errors.ts";
import { DEFAULT_METHOD } from "../commands/defaults.ts";
import { readPort } from "../config/values.ts";
import { isObject } from "../../codec/json.ts";

/** One access key. */
export interface OutlineKey {
  /** The id for programs. */
  readonly id: string;
  /** The name for people; may be empty. */
  readonly name: string;
  readonly password: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** The name of the method, as written. */
  readonly method: string;
  /** Limit in bytes in 30 days; not set for no limit. */
  readonly limitBytes?: number;
}

/** True if a parsed document contains Outline keys. */
export function isOutline(
  document: unknown,
): document is { readonly accessKeys: readonly unknown[] } {
  return isObject(document) && Array.isArray(document["accessKeys"]);
}

/**
 * Reads all keys.
 *
 * @param origin Name of the file, for messages.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for an incomplete key.
 */
export function readOutlineKeys(
  { accessKeys }: { readonly accessKeys: readonly unknown[] },
  origin: string,
): OutlineKey[] {
  return accessKeys.map((key, i) => {
    const wrong = (what: string): ConfigError =>
      badValue(`${origin}: accessKeys[${i}] has no usable ${what}`);
    if (!isObject(key)) throw wrong("fields");
    const { id, name, password, dataLimit, encryptionMethod } = key;
    const port = readPort(key["port"]);
    const method = encryptionMethod ?? DEFAULT_METHOD;
    if (port === undefined) throw wrong("port");
    if (typeof password !== "string" || password === "") {
      throw wrong("password");
    }
    if (typeof method !== "string") throw wrong("encryptionMethod");
    const limitBytes = isObject(dataLimit) ? dataLimit["bytes"] : undefined;
    if (limitBytes !== undefined && !Number.isSafeInteger(limitBytes)) {
      throw wrong("dataLimit");
    }
    return {
      id: String(id ?? i),
      name: typeof name === "string" ? name : "",
      password,
      port,
      method,
      ...limitBytes !== undefined && { limitBytes: limitBytes as number },
    };
  });
}
