/**
 * The man page, from the command table, in the man(7) macros.
 *
 * @module
 */
import { COMMANDS } from "../commands/commands.ts";
import type { Command, Option } from "./option.ts";
import { VERSION } from "../tools/version.ts";

/** The page `umbra(1)`. */
export function manPage(): string {
  const executables = COMMANDS.flatMap(({ executable }) => executable ?? []);
  return [
    `.TH UMBRA 1 "" "umbra ${VERSION}" "User Commands"`,
    ".SH NAME",
    "umbra \\- a Shadowsocks\\-compatible encrypted proxy",
    ".SH SYNOPSIS",
    ...COMMANDS.flatMap((command, i) => [
      ...i === 0 ? [] : [".br"],
      ...synopsis(command),
    ]),
    ".SH DESCRIPTION",
    text(
      "ss-local and ss-server in one program: an encrypted proxy that speaks " +
        "with every Shadowsocks implementation. Under a name of " +
        `${executables.join(", ")} it is that command.`,
    ),
    ".SH COMMANDS",
    ...COMMANDS.flatMap(section),
    ".SH SIGNALS",
    ...entry("SIGHUP", "Read the configuration again, drop no connection."),
    ...entry(
      "SIGINT, SIGTERM",
      "Accept no more, wait for open connections as --grace says, exit 0. A " +
        "second one ends at once.",
    ),
    ".SH EXIT STATUS",
    ...entry("0", "Success."),
    ...entry("1", "Something failed while running: a port in use, say."),
    ...entry("2", "The command line or the configuration is wrong."),
    ".SH SEE ALSO",
    ".BR curl (1),",
    ".BR systemd.service (5)",
    "",
  ].join("\n");
}

function synopsis({ name, operands }: Command): string[] {
  return [
    `.B umbra ${escape(name)}`,
    `.RI [ OPTIONS ]${operands === undefined ? "" : ` ${argument(operands)}`}`,
  ];
}

/** One argument of a macro. */
function argument(words: string): string {
  return `"\\ ${escape(words)}"`;
}

function section({ name, description, options, examples }: Command): string[] {
  return [
    `.SS umbra ${escape(name)}`,
    ...description.flatMap((paragraph, i) => [
      ...i === 0 ? [] : [".PP"],
      text(paragraph),
    ]),
    ...options.filter(({ standing }) => standing === undefined)
      .flatMap((option) => entry(heading(option), explanation(option))),
    ".PP",
    examples.length === 1 ? "Example:" : "Examples:",
    ".PP",
    ".RS 4",
    ".nf",
    ...examples.map(text),
    ".fi",
    ".RE",
  ];
}

/** A tagged paragraph. */
function entry(tag: string, paragraph: string): string[] {
  return [".TP", `.B ${escape(tag)}`, text(paragraph)];
}

function heading({ name, short, value }: Option): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function explanation(option: Option): string {
  const usual = option.default === undefined
    ? ""
    : ` Default: ${option.default}.`;
  return `${option.help}.${usual}`;
}

/** A line of text; text in backquotes is set bold. */
function text(line: string): string {
  const escaped = escape(line).replace(/`([^`]*)`/g, "\\fB$1\\fR");
  // A control line would start so.
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Escapes a line so that hyphens can be copied and backslashes are seen. */
function escape(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}
