/**
 * Explains refusals and failures of connections to the operator: the texts of
 * the dashboard and `umbra top` for error codes.
 *
 * @module
 */
import { inEnglish, isTextKey, type Say } from "./texts/say.ts";

/** An error code in words. */
export interface Explanation {
  /** A few words. */
  readonly title: string;
  /** One or two sentences: the meaning, and what to check. */
  readonly meaning: string;
}

/**
 * Returns the explanation of a code. A code without a text stands for itself; a
 * test checks that every possible refusal has a text.
 */
export function explain(code: string, say: Say = inEnglish): Explanation {
  const meaning = `${code}.meaning`;
  return isTextKey(code) && isTextKey(meaning)
    ? { title: say(code), meaning: say(meaning) }
    : { title: code, meaning: say("unknown-meaning") };
}
