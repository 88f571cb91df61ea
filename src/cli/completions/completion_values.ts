/**
 * The words that a shell can complete, from the command table. The completions
 * of the three shells are made from them.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import { COMMANDS } from "../commands/commands.ts";
import type { Command, Option } from "../options/option.ts";
import type { Words } from "../settings/setting.ts";

/**
 * Words for each name of a value in the help. Values with other names are not
 * completed.
 */
const VALUES: ReadonlyMap<string, Words> = new Map<string, Words>([
  ["FILE", "file"],
  ["DIR", "folder"],
  ["METHOD", METHODS.map(({ name }) => name)],
  ["COMMAND", COMMANDS.map(({ name }) => name)],
]);

/** Commands that have an executable name of their own, by that name. */
export const EXECUTABLES: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((command) =>
    command.executable === undefined ? [] : [[command.executable, command]]
  ),
);

/** Returns the options that completions offer. */
export function offered({ options }: Command): Option[] {
  return options.filter(({ standing }) => standing === undefined);
}

/** Returns every spelling of an option, with its dashes. */
export function spellings({ name, short, aliases = [] }: Option): string[] {
  const long = [name, ...aliases].map((one) => `--${one}`);
  return short === undefined ? long : [...long, `-${short}`];
}

/**
 * Returns the words that may follow an option; `undefined` if they are unknown.
 */
export function valuesOf({ value, words }: Option): Words | undefined {
  return words ?? (value === undefined ? undefined : VALUES.get(value));
}

/**
 * Returns the words that may follow the options: `[METHOD]`, `bash | zsh |
 * fish`.
 */
export function operandsOf({ operands = "" }: Command): string[] {
  return operands.replace(/[[\]]/g, "").split("|").flatMap((alternative) => {
    const [word = ""] = alternative.trim().split(" ");
    const values = VALUES.get(word);
    if (values !== undefined) return typeof values === "string" ? [] : values;
    return /^[a-z]+$/.test(word) ? [word] : [];
  });
}
