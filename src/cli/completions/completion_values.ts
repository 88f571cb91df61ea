/**
 * What a shell can offer, from the command table: the three shells say the
 * same in three languages.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import { COMMANDS } from "../commands/commands.ts";
import type { Command, Option } from "../options/option.ts";
import type { Words } from "../settings/setting.ts";

/** Values by what the help calls them; others cannot be guessed. */
const VALUES: ReadonlyMap<string, Words> = new Map<string, Words>([
  ["FILE", "file"],
  ["DIR", "folder"],
  ["METHOD", METHODS.map(({ name }) => name)],
  ["COMMAND", COMMANDS.map(({ name }) => name)],
]);

/** Commands with an executable of their own, by its name. */
export const EXECUTABLES: ReadonlyMap<string, Command> = new Map(
  COMMANDS.flatMap((command) =>
    command.executable === undefined ? [] : [[command.executable, command]]
  ),
);

/** The options that are worth offering. */
export function offered({ options }: Command): Option[] {
  return options.filter(({ standing }) => standing === undefined);
}

/** Every way to write an option, with its dashes. */
export function spellings({ name, short, aliases = [] }: Option): string[] {
  const long = [name, ...aliases].map((one) => `--${one}`);
  return short === undefined ? long : [...long, `-${short}`];
}

/** The words that may follow an option; `undefined` when they are unknown. */
export function valuesOf({ value, words }: Option): Words | undefined {
  return words ?? (value === undefined ? undefined : VALUES.get(value));
}

/** The words that may follow the options: `[METHOD]`, `bash | zsh | fish`. */
export function operandsOf({ operands = "" }: Command): string[] {
  return operands.replace(/[[\]]/g, "").split("|").flatMap((alternative) => {
    const [word = ""] = alternative.trim().split(" ");
    const values = VALUES.get(word);
    if (values !== undefined) return typeof values === "string" ? [] : values;
    return /^[a-z]+$/.test(word) ? [word] : [];
  });
}
