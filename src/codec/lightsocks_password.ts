/**
 * The password of lightsocks: a table with a replacement for each byte.
 *
 * Wire form: 256 bytes, a permutation of 0 to 255, as base64. The Go program
 * writes the standard alphabet, the Python program the URL alphabet.
 *
 * Security: no error message repeats any part of the password. An observer can
 * find the table by counting bytes, so that it hides nothing.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** Bytes of a table: one for each value of a byte. */
const TABLE_LENGTH = 256;

/**
 * Parses a password in either alphabet, with or without padding and surrounding
 * white space.
 *
 * @returns The 256 bytes that replace 0 to 255.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`.
 */
export function parseLightsocksPassword(text: string): Uint8Array {
  const table = decodeBase64(text.trim());
  if (table === undefined) throw invalid("it is not base64");
  if (table.length !== TABLE_LENGTH) {
    throw invalid(`it has ${table.length} bytes`);
  }
  if (new Set(table).size !== TABLE_LENGTH) {
    throw invalid("it replaces two bytes by the same one");
  }
  return table;
}

/**
 * Formats a password.
 *
 * @param form The program: `go` reads the standard alphabet only, `python`
 * prints the URL alphabet. Both require padding.
 */
export function formatLightsocksPassword(
  table: Uint8Array,
  form: "go" | "python",
): string {
  const text = encodeBase64(table);
  return form === "go" ? text : text.replaceAll("+", "-").replaceAll("/", "_");
}

function invalid(why: string): ConfigError {
  return new ConfigError(
    "ERR_SS_KEY_LENGTH",
    `Cannot use lightsocks password: ${why}, expected base64 of ` +
      `${TABLE_LENGTH} different bytes`,
  );
}
