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
import { randomBelow, type RandomBytes } from "../random.ts";
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

/** Makes a table that replaces every byte by another one. */
export function makeLightsocksTable(randomBytes: RandomBytes): Uint8Array {
  for (;;) {
    const table = Uint8Array.from({ length: TABLE_LENGTH }, (_, i) => i);
    for (let i = TABLE_LENGTH - 1; i > 0; i--) {
      const j = randomBelow(i + 1, randomBytes);
      [table[i], table[j]] = [table[j]!, table[i]!];
    }
    // About one shuffle in three leaves no byte unchanged.
    if (unchangedBytes(table) === 0) return table;
  }
}

/** Counts the bytes that a table leaves unchanged. */
export function unchangedBytes(table: Uint8Array): number {
  return table.filter((byte, i) => byte === i).length;
}

function invalid(why: string): ConfigError {
  return new ConfigError(
    "ERR_SS_KEY_LENGTH",
    `Cannot use lightsocks password: ${why}, expected base64 of ` +
      `${TABLE_LENGTH} different bytes`,
  );
}
