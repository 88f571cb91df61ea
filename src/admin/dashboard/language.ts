/// <reference lib="dom" />
/**
 * The language of this page: the one that was chosen here, or the first of the
 * browser's that there is.
 *
 * @module
 */
import { chooseLanguage, type Language } from "../texts/languages.ts";
import { type Say, sayIn } from "../texts/say.ts";

const KEY = "umbra-language";

/** The language in use; another one wants another page. */
export const language: Language = chooseLanguage([
  localStorage.getItem(KEY) ?? "",
  ...navigator.languages,
]);

const isRightToLeft = language.direction === "rtl";

/** A text in that language. */
export const say: Say = sayIn(language.texts, isRightToLeft ? apart : same);

/** Uses a language from now on. */
export function useLanguage(tag: string): void {
  localStorage.setItem(KEY, tag);
  location.reload();
}

/**
 * A text that may be a number with its unit, an address or a name: where the
 * page is written from right to left, it keeps its own direction.
 */
export function isolated(text: string): string {
  return isRightToLeft && text !== "" && !RIGHT_TO_LEFT.test(text)
    ? apart(text)
    : text;
}

/** Letters of Hebrew, Arabic and the scripts beside them. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;

/** Between "first strong isolate" and "pop directional isolate", UAX #9. */
function apart(text: string): string {
  return `\u2068${text}\u2069`;
}

function same(text: string): string {
  return text;
}
