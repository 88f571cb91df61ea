/**
 * The completion script of each shell.
 *
 * @module
 */
import { bashCompletions } from "./completions_bash.ts";
import { fishCompletions } from "./completions_fish.ts";
import { zshCompletions } from "./completions_zsh.ts";
import { usage } from "../options/getopt.ts";

/** The function that makes the script, by shell. */
const SHELLS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bashCompletions],
  ["zsh", zshCompletions],
  ["fish", fishCompletions],
]);

/**
 * Returns the completion script of a shell.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE` if there is none for this shell.
 */
export function completions(shell: string | undefined): string {
  const make = SHELLS.get(shell ?? "");
  if (make !== undefined) return make();
  const known = [...SHELLS.keys()].join(", ");
  throw usage(`Missing or unknown shell: expected one of ${known}`);
}
