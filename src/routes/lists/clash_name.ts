/**
 * Names as Clash writes them alone: `+.x` with itself, `.x` only below, `*` for
 * one label.
 *
 * @module
 */
import type { TargetSetBuilder } from "../match/target_set.ts";

/** Adds one of them. */
export function addClashName(
  targets: TargetSetBuilder,
  text: string,
  line: number,
): void {
  if (text.startsWith("+.")) targets.name("suffix", text.slice(2), line);
  else if (text.includes("*")) targets.regex(wildcardPattern(text), line);
  else if (text.startsWith(".")) targets.name("suffix", text, line);
  else targets.name("exact", text, line);
}

/** A regular expression for a name with `*` in it. */
export function wildcardPattern(text: string): string {
  const escaped = text.replace(/[.?+^$|()[\]{}\\]/g, "\\$&");
  return `^${escaped.replaceAll("*", "[^.]+")}$`;
}
