/**
 * Makes the help texts from the command table; lines have at most {@link
 * HELP_WIDTH} columns.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import { COMMANDS } from "../commands/commands.ts";
import type { Command, Option } from "./option.ts";

/** Maximum width of help texts in columns. */
export const HELP_WIDTH = 80;

/**
 * Column at which explanations start. A longer option gets a line of its own.
 */
const EXPLANATION_COLUMN = 30;

/** Returns the list of commands. */
export function programHelp(): string {
  const rows = COMMANDS.map((c) => row(`  ${c.name}`, c.summary, 16));
  return [
    "Usage: umbra COMMAND [OPTIONS]",
    "",
    ...wrap(
      "A Shadowsocks-compatible encrypted proxy: ss-local and ss-server in " +
        "one program. Under the name ss-local, ss-server, ss-tunnel or ss-redir " +
        "it is that command.",
    ),
    "",
    "Commands:",
    ...rows.flat(),
    "",
    "Options:",
    ...row("  -h, --help", "Print this help", EXPLANATION_COLUMN),
    ...row(
      "  -V, --version",
      "Print version, build and runtime",
      EXPLANATION_COLUMN,
    ),
    "",
    "`umbra help COMMAND` says more about a command.",
    "",
  ].join("\n");
}

/**
 * Returns the help of one command.
 *
 * @param command The command.
 * @param invocation The command as typed: `umbra local`, `ss-local`.
 */
export function commandHelp(command: Command, invocation: string): string {
  const usage = ["Usage:", invocation, "[OPTIONS]", command.operands];
  const lines = [usage.filter(Boolean).join(" ")];
  for (const paragraph of command.description) {
    lines.push("", ...wrap(paragraph));
  }
  if (command.name === "genkey") lines.push(...methodRows());
  lines.push("", "Options:");
  for (const option of command.options) {
    if (option.standing !== undefined) continue;
    lines.push(
      ...row(heading(option), explanation(option), EXPLANATION_COLUMN),
    );
  }
  const examples = command.examples.map((line) =>
    `  ${line.replace(`umbra ${command.name}`, invocation)}`
  );
  lines.push("", "Examples:", ...examples);
  return [...lines, ""].join("\n");
}

function methodRows(): string[] {
  return METHODS.map((m) =>
    `  ${m.name.padEnd(EXPLANATION_COLUMN)}${m.keyLength}-byte key`
  );
}

function heading(option: Option): string {
  const short = option.short === undefined ? "   " : `-${option.short},`;
  const value = option.value === undefined ? "" : ` ${option.value}`;
  return `  ${short} --${option.name}${value}`;
}

function explanation(option: Option): string {
  return option.default === undefined
    ? option.help
    : `${option.help} [default: ${option.default}]`;
}

function row(left: string, right: string, column: number): string[] {
  const wrapped = wrap(right, HELP_WIDTH - column);
  const indent = " ".repeat(column);
  if (left.length >= column - 1) {
    return [left, ...wrapped.map((line) => indent + line)];
  }
  return wrapped.map((line, i) =>
    (i === 0 ? left.padEnd(column) : indent) + line
  );
}

function wrap(text: string, width: number = HELP_WIDTH): string[] {
  const lines: string[] = [];
  let line = "";
  // `[default: x]` is not broken.
  for (const word of text.split(/ (?![^[]*\])/)) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}
