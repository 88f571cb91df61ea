/**
 * Recognises regular expressions that are equivalent to a name, as most lines
 * of most shadowsocks lists are. Names are much cheaper to match.
 *
 * A form is recognised only if the name matches exactly the same.
 *
 * @module
 */
import type { NameKind } from "./name_table.ts";

/** The name that is equivalent to a pattern. */
export interface PatternName {
  /** The covered names: this one, those below it, or both. */
  readonly kind: NameKind;
  /** The name, without the escapes of the pattern. */
  readonly name: string;
  /**
   * True if a dot was not escaped; it counts as a dot, not as any character.
   */
  readonly isLenient: boolean;
}

/** The beginnings that are recognised, with the kind of name they mean. */
const BEGINNINGS: readonly (readonly [text: string, kind: NameKind])[] = [
  ["(^|\\.)", "suffix"],
  ["(?:^|\\.)", "suffix"],
  ["(\\.|^)", "suffix"],
  ["(?:\\.|^)", "suffix"],
  ["^(.*\\.)?", "suffix"],
  ["^(.+\\.)?", "suffix"],
  ["^(?:.*\\.)?", "suffix"],
  ["^(?:.+\\.)?", "suffix"],
  ["^.*\\.", "below"],
  ["^.+\\.", "below"],
  ["\\.", "below"],
  ["^", "exact"],
];

/** Labels separated by dots; a dot or a hyphen may be escaped. */
const NAME = /^[\w-]+(?:(?:\\?\.|\\-)[\w-]+)*$/;

/** Returns the name that is equivalent to a pattern, if there is one. */
export function nameOfPattern(pattern: string): PatternName | undefined {
  const source = pattern.replace(/^\(\?i\)/, "");
  if (!source.endsWith("$")) return undefined;
  for (const [beginning, kind] of BEGINNINGS) {
    if (!source.startsWith(beginning)) continue;
    const text = source.slice(beginning.length, -1);
    if (!NAME.test(text)) return undefined;
    const name = text.replaceAll("\\", "");
    const isLenient = text.replaceAll("\\.", "").includes(".");
    return { kind, name, isLenient };
  }
  return undefined;
}
