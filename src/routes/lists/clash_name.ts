/**
 * The notation of Clash for names: `+.x` includes `x` itself, `.x` does not,
 * and `*` stands for one label.
 *
 * @module
 */
import type { TargetSetBuilder } from "../match/target_set.ts";

/** Adds a name in this notation. */
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

/** Returns a regular expression for a name with `*`. */
export function wildcardPattern(text: string): string {
  const escaped = text.replace(/[.?+^$|()[\]{}\\]/g, "\\$&");
  return `^${escaped.replaceAll("*", "[^.]+")}$`;
}
