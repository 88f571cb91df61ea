/**
 * Checks of text from outside: what can be kept and what can be shown.
 *
 * A JavaScript string may contain unpaired surrogates (U+D800 to U+DFFF), which
 * UTF-8 cannot represent. Writing such a string changes it or fails.
 *
 * @module
 */

/**
 * Characters that are invisible or change the order of others: controls, line
 * separators, direction marks and unpaired surrogates. The joiners U+200C and
 * U+200D are excluded, because words in Persian and emoji contain them.
 */
const HIDDEN = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;

const ALL_HIDDEN = new RegExp(HIDDEN, "gu");

/**
 * Invisible characters that Unicode classifies as letters, symbols or joiners.
 */
const INKLESS = /[\s\u115f\u1160\u200c\u200d\u2800\u3164\uffa0]/gu;

/** True if a text contains a hidden character. */
export function hasHidden(text: string): boolean {
  return HIDDEN.test(text);
}

/** True if a text has no visible character. */
export function isBlank(text: string): boolean {
  return text.replace(ALL_HIDDEN, "").replace(INKLESS, "") === "";
}

/**
 * Returns a text as it can be shown: hidden characters become spaces, and
 * spaces at the ends are removed. The result is empty for a blank text.
 */
export function shownText(text: string): string {
  return isBlank(text) ? "" : text.replace(ALL_HIDDEN, " ").trim();
}

/** Copies a text. A substring would keep the whole text in memory. */
export function ownText(text: string): string {
  return DECODER.decode(ENCODER.encode(text));
}

const ENCODER = new TextEncoder();
const DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
