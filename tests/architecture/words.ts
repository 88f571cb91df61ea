/**
 * Checks the English of sources and documentation: words that hide who does
 * what, and comments without a subject.
 *
 * @module
 */
import type { Source } from "./source.ts";

/** Words that are refused, with what to write instead. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\bnobody\b/i, "name what does not do it, or use the passive"],
  [/\bwhoever\b/i, "name the person or the code"],
  [/\banew\b/i, "write again"],
  [/\bis told\b/i, "write gets, hears or is logged"],
  [/\blives on\b/i, "write stays"],
  [/(?<!-)\btells\b/i, "write shows, reports, returns or logs"],
  // What an abbreviation, a pattern or a value means is what it stands for.
  [/\bstands\b(?! (?:for|in)\b)/i, "write is, or what it does"],
];

/** A comment about a boolean that asks instead of saying when it is true. */
const WHETHER =
  /^\s*(?:\/\*\*|\*|\/\/) (?:@\w+ (?:[\w.]+ )?)?Whether\b|[.:] Whether\b/;

/**
 * A comment of a field or method that begins like half a sentence: "Where to",
 * "Of the method", "What moves now".
 */
const FRAGMENT =
  /^ {2,}\/\*\* (?:All of|As [a-z]+ed|How|In order|Of|Told|What|When|Where|Whom?|Whose)\b.*\*\/$/;

/** Problems of words in any text: one line each, `path:line: what to do`. */
export function checkWords(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    return text.split("\n").flatMap((line, i) =>
      WORDS
        .filter(([word]) => word.test(line))
        .map(([word, advice]) => `${path}:${i + 1}: ${word.source}: ${advice}`)
    );
  });
}

/** Problems of comments in TypeScript: one line each, `path:line: what`. */
export function checkComments(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) =>
    text.split("\n").flatMap((line, i) => {
      if (WHETHER.test(line)) return [`${path}:${i + 1}: write True if`];
      if (FRAGMENT.test(line)) {
        return [`${path}:${i + 1}: a fragment; name the thing, or delete it`];
      }
      return [];
    })
  );
}
