/**
 * The languages of pages.
 *
 * @module
 */
import chinese from "./zh.json" with { type: "json" };
import english from "./en.json" with { type: "json" };
import persian from "./fa.json" with { type: "json" };
import russian from "./ru.json" with { type: "json" };
import type { Texts } from "./say.ts";

/** One language. */
export interface Language {
  /** The language tag, RFC 5646. */
  readonly tag: string;
  /** The name of the language in the language itself. */
  readonly name: string;
  /** The direction of writing. */
  readonly direction: "ltr" | "rtl";
  readonly texts: Texts;
}

/** All languages; the first is the default. */
export const LANGUAGES: readonly Language[] = [
  { tag: "en", name: "English", direction: "ltr", texts: english },
  { tag: "zh-Hans", name: "简体中文", direction: "ltr", texts: chinese },
  { tag: "fa", name: "فارسی", direction: "rtl", texts: persian },
  { tag: "ru", name: "Русский", direction: "ltr", texts: russian },
];

/**
 * Returns the first preferred language that is available.
 *
 * @param preferred Tags, the best first: `zh-CN` is served by `zh-Hans`.
 */
export function chooseLanguage(preferred: readonly string[]): Language {
  for (const tag of preferred) {
    const found = LANGUAGES.find((one) => primary(one.tag) === primary(tag));
    if (found !== undefined) return found;
  }
  return LANGUAGES[0]!;
}

function primary(tag: string): string {
  return tag.toLowerCase().split("-", 1)[0]!;
}
