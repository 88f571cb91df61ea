/**
 * Iterates over the lines of a text without making an array.
 *
 * @module
 */
import { MAX_LIST_LINE_LENGTH } from "../../limits.ts";

/** A line that is not empty. */
export interface TextLine {
  /** The trimmed line, without a byte order mark. */
  readonly text: string;
  /** The number of the line, from 1. */
  readonly number: number;
}

/**
 * Yields every line that is not empty.
 *
 * @param tooLong Called for a line that is too long and is left out.
 */
export function* textLines(
  text: string,
  tooLong: (reason: string, line: number) => void,
): Generator<TextLine> {
  let number = 0;
  for (let at = text.startsWith("\uFEFF") ? 1 : 0; at < text.length;) {
    const newline = text.indexOf("\n", at);
    const end = newline < 0 ? text.length : newline;
    number++;
    if (end - at > MAX_LIST_LINE_LENGTH) tooLong("is too long", number);
    else {
      const line = text.slice(at, end).trim();
      if (line !== "") yield { text: line, number };
    }
    at = end + 1;
  }
}

/** Returns a line without a comment at its start or after a space. */
export function withoutComment(line: string): string {
  for (let at = line.indexOf("#"); at >= 0; at = line.indexOf("#", at + 1)) {
    if (at === 0) return "";
    const before = line[at - 1];
    if (before === " " || before === "\t") return line.slice(0, at).trimEnd();
  }
  return line;
}
