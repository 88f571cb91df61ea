/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Inserts the texts of the language where `page.html` names them, and starts
 * the switch of languages.
 *
 * @module
 */
import { LANGUAGES } from "../texts/languages.ts";
import { isTextKey } from "../texts/say.ts";
import { byId } from "./dom.ts";
import { language, say, useLanguage } from "./language.ts";

/** Attributes that name a text, and how the text is applied. */
const PLACES: Readonly<Record<string, (one: Element, text: string) => void>> = {
  "data-text": (one, text) => one.textContent = text,
  "data-title": (one, text) => one.setAttribute("title", text),
  "data-label": (one, text) => one.setAttribute("aria-label", text),
  "data-placeholder": (one, text) => one.setAttribute("placeholder", text),
};

/** Translates a part of the page, without its templates. */
export function translate(part: ParentNode): void {
  for (const [attribute, put] of Object.entries(PLACES)) {
    for (const one of part.querySelectorAll(`[${attribute}]`)) {
      const key = one.getAttribute(attribute)!;
      if (!isTextKey(key)) throw new TypeError(`There is no text "${key}"`);
      put(one, say(key));
    }
  }
}

/** Translates the page. */
export function startLanguage(): void {
  const { documentElement } = document;
  documentElement.lang = language.tag;
  documentElement.dir = language.direction;
  translate(document);
  const choice = byId("language", HTMLSelectElement);
  choice.replaceChildren(
    ...LANGUAGES.map(({ name, tag }) =>
      new Option(name, tag, false, tag === language.tag)
    ),
  );
  choice.onchange = () => useLanguage(choice.value);
}
