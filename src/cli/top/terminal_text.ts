/**
 * Text for a terminal: how wide it is, and what must not reach it.
 *
 * @module
 */

/** Characters that a terminal would obey, hide or reorder. */
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Characters of two columns (UAX 11), near enough. */
const WIDE =
  /[\p{sc=Han}\p{sc=Hangul}\p{sc=Hiragana}\p{sc=Katakana}\p{Emoji_Presentation}\uff01-\uff60]/u;

/** Characters without a column. */
const NARROW = /\p{M}/u;

/**
 * A text from outside as one line without a say in the terminal: names could
 * hold escape sequences.
 */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, "\ufffd");
}

/** Columns that a printable text takes. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += columnsOf(character);
  return width;
}

/** A printable text, cut to so many columns; `…` shows that it was. */
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
