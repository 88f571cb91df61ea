/**
 * Lines of a text, without an array of them.
 *
 * @module
 */

/** One line that is not empty. */
export interface TextLine {
  /** Without spaces at its ends, and without a byte order mark. */
  readonly text: string;
  /** Number, from 1. */
  readonly number: number;
}

/** Every line that is not empty. */
export function* textLines(text: string): Generator<TextLine> {
  let number = 0;
  for (let at = text.startsWith("\uFEFF") ? 1 : 0; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    number++;
    const line = text.slice(at, end).trim();
    if (line !== "") yield { text: line, number };
    at = end + 1;
  }
}
