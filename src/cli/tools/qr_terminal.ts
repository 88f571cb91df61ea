/**
 * Draws QR codes in a terminal, two modules for each character.
 *
 * @module
 */
import { qrMatrix } from "../../admin/qr.ts";

/**
 * Black on white from the fixed part of the 256 colours, which themes do not
 * change, so that the code is readable on dark and light terminals.
 */
const BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m";
const RESET = "\x1b[0m";

/**
 * Returns a text as lines of half blocks, each with its line feed.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if the text is too long.
 */
export function qrLines(text: string): string {
  const rows = qrMatrix(text);
  let lines = "";
  for (let y = 0; y < rows.length; y += 2) {
    const blocks = rows[y]!.map((upper, x) =>
      halves(upper, rows[y + 1]?.[x] ?? false)
    );
    lines += `${BLACK_ON_WHITE}${blocks.join("")}${RESET}\n`;
  }
  return lines;
}

function halves(upper: boolean, lower: boolean): string {
  if (upper) return lower ? "█" : "▀";
  return lower ? "▄" : " ";
}
