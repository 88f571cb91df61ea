/**
 * Tables of text.
 *
 * @module
 */
import { widthOf } from "./top/terminal_text.ts";

/**
 * Aligns the cells of rows.
 *
 * @param number The column of numbers, if any.
 * @returns A line for each row.
 */
export function textTable(
  rows: readonly (readonly string[])[],
  number?: number,
): string {
  const widths = rows[0]!.map((_, i) =>
    Math.max(...rows.map((row) => widthOf(row[i]!)))
  );
  return rows.map((row) => {
    const cells = row.map((cell, i) => {
      const room = " ".repeat(widths[i]! - widthOf(cell));
      return i === number ? room + cell : cell + room;
    });
    return `${cells.join("  ").trimEnd()}\n`;
  }).join("");
}
