/**
 * Why connections were refused or failed, in words for an operator: what the
 * dashboard and `umbra top` say for an error code.
 *
 * @module
 */
import { inEnglish, isTextKey, type Say } from "./texts/say.ts";

/** A code in words. */
export interface Explanation {
  /** A few words. */
  readonly title: string;
  /** The meaning and what to look at; a sentence or two. */
  readonly meaning: string;
}

/**
 * What a code means; one that has no words stands for itself. A test sees to it
 * that every code that can be refused has words.
 */
export function explain(code: string, say: Say = inEnglish): Explanation {
  const meaning = `${code}.meaning`;
  return isTextKey(code) && isTextKey(meaning)
    ? { title: say(code), meaning: say(meaning) }
    : { title: code, meaning: say("unknown-meaning") };
}
