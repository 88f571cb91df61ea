/**
 * The long-term key of a method, derived from a password or given directly.
 *
 * Source: Shadowsocks AEAD ciphers, "Key Derivation": OpenSSL's EVP_BytesToKey
 * with MD5, one round, no salt.
 *
 * @module
 */
import { md5 } from "@noble/hashes/legacy.js";
import { concat, toLatin1 } from "../bytes.ts";
import { ConfigError } from "../errors.ts";
import type { Method } from "./method.ts";

/**
 * Derives a master key from a password.
 *
 * Security: one round of MD5; the key is only as strong as the password.
 *
 * @param password Text, used as UTF-8.
 * @returns `method.keyLength` bytes.
 */
export function masterKeyFromPassword(
  password: string,
  method: Pick<Method, "keyLength">,
): Uint8Array {
  const secret = new TextEncoder().encode(password);
  let key: Uint8Array = md5(secret);
  let block = key;
  while (key.length < method.keyLength) {
    block = md5(concat(block, secret));
    key = concat(key, block);
  }
  return key.slice(0, method.keyLength);
}

/**
 * Reads the key of an operator.
 *
 * @param kind A password, or a raw key in base64.
 * @returns `method.keyLength` bytes.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`.
 */
export function readMasterKey(
  text: string,
  method: Method,
  kind: "password" | "key",
): Uint8Array {
  return kind === "key"
    ? masterKeyFromBase64(text, method)
    : masterKeyFromPassword(text, method);
}

/**
 * Parses a raw key: base64 in the standard or the URL alphabet, with or without
 * padding.
 *
 * @returns `method.keyLength` bytes.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message never contains the
 * key.
 */
export function masterKeyFromBase64(text: string, method: Method): Uint8Array {
  const expected = `${method.keyLength} bytes as base64 for ${method.name}`;
  const standard = text.replaceAll("-", "+").replaceAll("_", "/");
  let binary: string;
  try {
    binary = atob(standard);
  } catch {
    throw new ConfigError(
      "ERR_SS_KEY_LENGTH",
      `Cannot read key: not base64, expected ${expected}`,
    );
  }
  if (binary.length !== method.keyLength) {
    throw new ConfigError(
      "ERR_SS_KEY_LENGTH",
      `Cannot use key: got ${binary.length} bytes, expected ${expected}`,
    );
  }
  return toLatin1(binary);
}
