/**
 * Texts for people, by what they are about. The texts of a language are one
 * file, `LANGUAGE.json`; `{name}` in a text is a place for a value.
 *
 * @module
 */
import english from "./en.json" with { type: "json" };

/** What a text is about. */
export type TextKey = keyof typeof english;

/** The texts of one language. */
export type Texts = Readonly<Record<TextKey, string>>;

/** Values by the names of their places. */
export type Values = Readonly<Record<string, string | number>>;

/** The text, with its values. */
export type Say = (key: TextKey, values?: Values) => string;

/**
 * Speaks a language.
 *
 * @param wrap What becomes of each value; default: it stays as it is.
 */
export function sayIn(
  texts: Texts,
  wrap: (value: string) => string = (value) => value,
): Say {
  return (key, values = {}) =>
    texts[key].replace(
      /\{(\w+)\}/g,
      (place, name) => name in values ? wrap(String(values[name])) : place,
    );
}

/** The language of the command line, and of all that is no page. */
export const inEnglish: Say = sayIn(english);

/** True if there is a text about this. */
export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(english, key);
}
