/**
 * Text that comes from outside: what of it can be kept, and what can be shown.
 *
 * JavaScript's text may hold half of a pair of surrogates (U+D800 to U+DFFF),
 * which UTF-8 cannot: it is another text, or an error, once it was written.
 *
 * @module
 */

/**
 * Characters that are invisible, or that change the order of others: controls,
 * line separators, marks of direction, halves of pairs. The joiners U+200C and
 * U+200D are part of words in Persian and of emoji.
 */
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const ALL_HIDDEN = new RegExp(HIDDEN, "gu");

/** Characters without ink that Unicode counts as letters, symbols or joiners. */
const INKLESS = /[\s\u115f\u1160\u200c\u200d\u2800\u3164\uffa0]/gu;

/** True if a text holds a character that is hidden. */
export function hasHidden(text: string): boolean {
  return HIDDEN.test(text);
}

/** True if nothing of a text is to be seen. */
export function isBlank(text: string): boolean {
  return text.replace(ALL_HIDDEN, "").replace(INKLESS, "") === "";
}

/**
 * A text for people as it can be shown: hidden characters become spaces, the
 * spaces at its ends are removed. Empty if it is blank.
 */
export function shownText(text: string): string {
  return isBlank(text) ? "" : text.replace(ALL_HIDDEN, " ").trim();
}

/** Copies a text: a part would keep the whole in memory. */
export function ownText(text: string): string {
  return DECODER.decode(ENCODER.encode(text));
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
