/**
 * The languages of invitations, and which one a reader is given.
 *
 * @module
 */
import { ENGLISH } from "./english.ts";
import { PERSIAN } from "./persian.ts";
import { RUSSIAN } from "./russian.ts";
import { SIMPLIFIED_CHINESE } from "./simplified_chinese.ts";
import type { Texts } from "./texts.ts";

/** Every language; the first is the default. */
export const LANGUAGES: readonly Texts[] = [
  ENGLISH,
  SIMPLIFIED_CHINESE,
  PERSIAN,
  RUSSIAN,
];

/**
 * The language of a reader.
 *
 * @param chosen What was chosen on the page; beats the header.
 * @param accepted Value of `Accept-Language`: RFC 9110 §12.5.4.
 */
export function languageFor(
  chosen: string | null,
  accepted: string | null,
): Texts {
  const wanted = (accepted ?? "").split(",").map((range) => {
    const [tag = "", ...parameters] = range.trim().split(/\s*;\s*/);
    const quality = parameters.find((one) => /^q=/i.test(one))?.slice(2);
    return { tag, quality: Number(quality ?? 1) };
  }).filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
    .map(({ tag }) => tag);
  for (const tag of [chosen ?? "", ...wanted]) {
    const found = LANGUAGES.find(({ language }) =>
      primary(language) === primary(tag)
    );
    if (found !== undefined) return found;
  }
  return LANGUAGES[0]!;
}

/** A text with its places filled. */
export function fill(
  text: string,
  values: Readonly<Record<string, string>>,
): string {
  return text.replace(/\{(\w+)\}/g, (_, name: string) => values[name]!);
}

function primary(tag: string): string {
  return tag.split("-")[0]!.toLowerCase();
}
