/**
 * Texts for people, by key. The texts of a language are one file,
 * `LANGUAGE.json`; `{name}` in a text is replaced by a value.
 *
 * @module
 */
import english from "./en.json" with { type: "json" };

/** The key of a text. */
export type TextKey = keyof typeof english;

/** The texts of one language. */
export type Texts = Readonly<Record<TextKey, string>>;

/** Values by the names of their placeholders. */
export type Values = Readonly<Record<string, string | number>>;

/** Returns a text with its values. */
export type Say = (key: TextKey, values?: Values) => string;

/**
 * Returns the function for a language.
 *
 * @param wrap Changes each value; default: values are not changed.
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

/**
 * Texts in English, for the command line and everything else that is not a
 * page.
 */
export const inEnglish: Say = sayIn(english);

/** True if there is a text with this key. */
export function isTextKey(key: string): key is TextKey {
  return Object.hasOwn(english, key);
}
