/**
 * The table of all commands and options. Parsing, `--help`, suggestions,
 * completions and the man page are made from this table.
 *
 * @module
 */
import { usage } from "../options/getopt.ts";
import { nearest } from "../options/nearest.ts";
import type { Command } from "../options/option.ts";
import { ROLE_COMMANDS } from "./role_commands.ts";
import { TOOL_COMMANDS } from "./tool_commands.ts";
import { USUAL } from "./shared_options.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  ...ROLE_COMMANDS,
  ...TOOL_COMMANDS,
].map((one) => ({ ...one, options: [...one.options, ...USUAL] }));

/** Returns the command with this name, if there is one. */
export function findCommand(name: string): Command | undefined {
  return COMMANDS.find((command) => command.name === name);
}

/**
 * Returns the command with this name.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`; the message suggests the nearest
 * name.
 */
export function commandOf(word: string): Command {
  const command = findCommand(word);
  if (command !== undefined) return command;
  const meant = nearest(word, COMMANDS.map(({ name }) => name));
  if (word.startsWith("-") && meant === undefined) {
    throw usage(
      "Options follow a command: `umbra local -c FILE` for a client, `umbra " +
        "server -c FILE` for a server; see `umbra help`",
    );
  }
  const what = word.startsWith("-") ? "option" : "command";
  // A word that resembles no command may be a link or a password.
  throw usage(
    meant === undefined
      ? `Unknown ${what}; see \`umbra help\``
      : `Unknown ${what} ${word}; did you mean ${meant}?`,
  );
}

/**
 * Returns the command that the name of the executable implies.
 *
 * @param names Paths or names under which the program may have been started,
 * the most reliable first.
 */
export function impliedCommand(
  names: readonly (string | undefined)[],
): Command | undefined {
  for (const name of names) {
    const base = name?.split(/[/\\]/).at(-1)?.replace(/\.exe$/i, "");
    const command = COMMANDS.find((one) => one.executable === base);
    if (base !== undefined && command !== undefined) return command;
  }
  return undefined;
}
