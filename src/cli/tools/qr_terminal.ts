/**
 * QR codes in a terminal, two modules a character.
 *
 * @module
 */
import { qrMatrix } from "../../admin/qr.ts";

/**
 * Black on white of the fixed part of the 256 colours, which themes leave
 * alone: right on dark and on light terminals.
 */
const BLACK_ON_WHITE = "\x1b[38;5;16;48;5;231m";
const RESET = "\x1b[0m";

/**
 * A text as lines of half blocks, each with its line feed.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` when it is too long.
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
