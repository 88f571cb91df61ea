/**
 * Completions for fish.
 *
 * @module
 */
import { COMMANDS } from "../commands/commands.ts";
import {
  EXECUTABLES,
  offered,
  operandsOf,
  valuesOf,
} from "./completion_values.ts";
import type { Command, Option } from "../options/option.ts";

/** Returns the script, which fish sources. */
export function fishCompletions(): string {
  const names = COMMANDS.map(({ name }) => name);
  const none = `"not __fish_seen_subcommand_from ${names.join(" ")}"`;
  const lines = ["umbra", ...EXECUTABLES.keys()].map((name) =>
    `complete -c ${name} -f`
  );
  for (const { name, summary } of COMMANDS) {
    lines.push(`complete -c umbra -n ${none} -a ${name} -d ${quote(summary)}`);
  }
  for (const command of COMMANDS) {
    const seen = `"__fish_seen_subcommand_from ${command.name}"`;
    lines.push(...commandLines(command, `-c umbra -n ${seen}`));
  }
  for (const [executable, command] of EXECUTABLES) {
    lines.push(...commandLines(command, `-c ${executable}`));
  }
  return `# fish completion for umbra\n${lines.join("\n")}\n`;
}

/** @param where Options of `complete` that limit a completion to a command. */
function commandLines(command: Command, where: string): string[] {
  const operands = operandsOf(command);
  return [
    ...operands.length === 0
      ? []
      : [`complete ${where} -a ${quote(operands.join(" "))}`],
    ...offered(command).map((option) =>
      `complete ${where} ${names(option)}${value(option)} -d ${
        quote(option.help)
      }`
    ),
  ];
}

function names({ name, short, aliases = [] }: Option): string {
  const long = [name, ...aliases].map((one) => `-l ${one}`).join(" ");
  return short === undefined ? long : `-s ${short} ${long}`;
}

function value(option: Option): string {
  if (option.value === undefined) return "";
  const values = valuesOf(option);
  if (values === undefined) return " -x";
  if (values === "file") return " -r -F";
  if (values === "folder") return " -x -a '(__fish_complete_directories)'";
  return ` -x -a ${quote(values.join(" "))}`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
