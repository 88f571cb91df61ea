/**
 * The password of lightsocks: a table that says what each byte is replaced by.
 *
 * Wire form: 256 bytes, a permutation of 0 to 255, as base64: the Go original
 * writes the standard alphabet, the Python original that of URLs.
 *
 * Security: no error message repeats any part of the password. Such a table is
 * found by counting; it hides nothing from an observer.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { randomBelow, type RandomBytes } from "../random.ts";
import { decodeBase64, encodeBase64 } from "./base64.ts";

/** Bytes of a table: one for each value of a byte. */
const TABLE_LENGTH = 256;

/**
 * Reads a password in either alphabet, with or without padding or white space
 * around it.
 *
 * @returns The 256 bytes that 0 to 255 are replaced by.
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
 * Writes a password.
 *
 * @param form Whose: `go` reads the standard alphabet only, `python` prints
 * that of URLs. Both want padding.
 */
export function formatLightsocksPassword(
  table: Uint8Array,
  form: "go" | "python",
): string {
  const text = encodeBase64(table);
  return form === "go" ? text : text.replaceAll("+", "-").replaceAll("/", "_");
}

/** Makes a table that leaves no byte as it is. */
export function makeLightsocksTable(randomBytes: RandomBytes): Uint8Array {
  for (;;) {
    const table = Uint8Array.from({ length: TABLE_LENGTH }, (_, i) => i);
    for (let i = TABLE_LENGTH - 1; i > 0; i--) {
      const j = randomBelow(i + 1, randomBytes);
      [table[i], table[j]] = [table[j]!, table[i]!];
    }
    // Of three shuffles one leaves no byte in its place.
    if (unchangedBytes(table) === 0) return table;
  }
}

/** The number of bytes that a table leaves as they are. */
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
