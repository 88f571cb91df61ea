/**
 * Salts that start with given bytes, so that the first packet of a stream looks
 * like one of another protocol. The server need not know the prefix.
 *
 * As text, each character of a prefix is one byte: U+0000 to U+00FF.
 *
 * Security: the prefix makes a part of the salt constant, and a salt that
 * repeats gives two streams the same key.
 *
 * @module
 */
import { toLatin1 } from "../../bytes.ts";
import type { Method } from "../../crypto/method.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import { FEW_RANDOM_SALT_BYTES, MIN_RANDOM_SALT_BYTES } from "../../limits.ts";
import type { RandomBytes } from "../../random.ts";

/**
 * Reads a prefix.
 *
 * @returns At least one byte.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if a character is not a byte, the
 * method has no random salts, or its salts have no room.
 */
export function readSaltPrefix(text: string, method: Method): Uint8Array {
  if ([...text].some((character) => character > "\xff")) {
    throw wrong("a character is not in the range U+0000 to U+00FF");
  }
  const { family } = method;
  if (family.name !== "AEAD 2017") {
    throw wrong(
      family.name === "Shadowsocks 2022"
        ? "not possible with 2022 methods"
        : `not possible with ${method.name}, which has no salts`,
    );
  }
  const room = saltLengthOf(method) - MIN_RANDOM_SALT_BYTES;
  const prefix = toLatin1(text);
  if (prefix.length > room) {
    throw wrong(
      `got ${prefix.length} bytes, this method allows ${room} of ` +
        `${saltLengthOf(method)}`,
    );
  }
  return prefix;
}

/** Returns the warning about a prefix; `undefined` if none is needed. */
export function saltPrefixWarning(
  prefix: Uint8Array,
  method: Method,
): string | undefined {
  const left = saltLengthOf(method) - prefix.length;
  return left >= FEW_RANDOM_SALT_BYTES
    ? undefined
    : `prefix: ${left} random bytes are left in a salt of ${method.name}, ` +
      "which may repeat; a method with longer salts, or a shorter prefix, " +
      "leaves more";
}

/** Makes salts that start with a prefix; without one, they are random. */
export function prefixedSalts(
  randomBytes: RandomBytes,
  prefix: Uint8Array | undefined,
): RandomBytes {
  if (prefix === undefined) return randomBytes;
  return (length) => {
    const salt = randomBytes(length);
    salt.set(prefix);
    return salt;
  };
}

function saltLengthOf(method: Method): number {
  return "saltLength" in method ? method.saltLength : 0;
}

function wrong(why: string): ConfigError {
  return badValue(`prefix: ${why}`);
}
