/**
 * Text for a terminal: its width, and the removal of control characters.
 *
 * @module
 */

/** Characters that a terminal would interpret, hide or reorder. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Characters of two columns, an approximation of UAX 11. */
const WIDE =
  /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** Characters of no width. */
const NARROW = /\p{M}/u;

/**
 * Returns a text from outside as one line without control characters: names
 * could contain escape sequences.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}

/** Returns the number of columns of a printable text. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** Cuts a printable text to a number of columns; `…` marks a cut. */
export function fitText(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let cut = "";
  let used = 1;
  for (const character of text) {
    used += columnsOf(character);
    if (used > width) break;
    cut += character;
  }
  return width < 1 ? "" : `${cut}…`;
}

function columnsOf(character: string): number {
  if (NARROW.test(character)) return 0;
  return WIDE.test(character) ? 2 : 1;
}
