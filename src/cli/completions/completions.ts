/**
 * The completions of each shell.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { bashCompletions } from "./completions_bash.ts";
import { fishCompletions } from "./completions_fish.ts";
import { zshCompletions } from "./completions_zsh.ts";

/** The makers of the scripts, by shell. */
const SHELLS: ReadonlyMap<string, () => string> = new Map([
  ["bash", bashCompletions],
  ["zsh", zshCompletions],
  ["fish", fishCompletions],
]);

/**
 * The script of a shell.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE` when we have none for it.
 */
export function completions(shell: string | undefined): string {
  const make = SHELLS.get(shell ?? "");
  if (make !== undefined) return make();
  const known = [...SHELLS.keys()].join(", ");
  throw new ConfigError(
    "ERR_CONFIG_USAGE",
    `Completions for which shell? Expected one of ${known}`,
  );
}
