/**
 * Regular expressions that say no more than a name: most lines of most lists
 * for shadowsocks. As names they cost nothing.
 *
 * Does not: guess. A form is taken only where the name means the same.
 *
 * @module
 */
import type { NameKind } from "./name_table.ts";

/** A name that a pattern stands for. */
export interface PatternName {
  /** The names it covers. */
  readonly kind: NameKind;
  /** The name as the pattern has it, without its escapes. */
  readonly name: string;
  /** True if a dot is not escaped: taken for a dot, not for any character. */
  readonly isLenient: boolean;
}

/** The ways to begin, with what each says. */
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

/** Labels with dots between them; a backslash before a dot or a hyphen. */
const NAME = /^[\w-]+(?:(?:\\?\.|\\-)[\w-]+)*$/;

/** The name that a pattern stands for; `undefined` where it says more. */
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
