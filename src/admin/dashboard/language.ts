/// <reference lib="dom" />
/**
 * The language of this page: the one that was chosen here, or the first
 * preferred language of the browser that is available.
 *
 * @module
 */
import { chooseLanguage, type Language } from "../texts/languages.ts";
import { type Say, sayIn } from "../texts/say.ts";

const KEY = "umbra-language";

/** The language of the page. Another language needs a reload of the page. */
export const language: Language = chooseLanguage([
  localStorage.getItem(KEY) ?? "",
  ...navigator.languages,
]);

const isRightToLeft = language.direction === "rtl";

/** Returns a text in that language. */
export const say: Say = sayIn(language.texts, isRightToLeft ? apart : same);

/** Stores the language and reloads the page. */
export function useLanguage(tag: string): void {
  localStorage.setItem(KEY, tag);
  location.reload();
}

/**
 * Isolates a text that may be a number with its unit, an address or a name, so
 * that it keeps its own direction on a page written from right to left.
 */
export function isolated(text: string): string {
  return isRightToLeft && text !== "" && !RIGHT_TO_LEFT.test(text)
    ? apart(text)
    : text;
}

/** Letters of Hebrew, Arabic and related scripts. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;

/**
 * Puts a text between "first strong isolate" and "pop directional isolate", UAX
 * #9.
 */
function apart(text: string): string {
  return `\u2068${text}\u2069`;
}

function same(text: string): string {
  return text;
}
