/**
 * Makes the man page from the command table, in the macros of man(7).
 *
 * @module
 */
import { COMMANDS } from "../commands/commands.ts";
import type { Command, Option } from "./option.ts";
import { VERSION } from "../tools/version.ts";

/** Returns the page `umbra(1)`. */
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
      "ss-local and ss-server in one program: an encrypted proxy that works " +
        "with every Shadowsocks implementation. Under a name of " +
        `${executables.join(", ")} it is that command.`,
    ),
    ".SH COMMANDS",
    ...COMMANDS.flatMap(section),
    ".SH SIGNALS",
    ...entry("SIGHUP", "Reload the configuration; connections stay open."),
    ...entry(
      "SIGINT, SIGTERM",
      "Stop accepting, wait for open connections up to --grace, exit 0. A " +
        "second signal exits at once.",
    ),
    ".SH EXIT STATUS",
    ...entry("0", "Success."),
    ...entry("1", "A failure at run time, for example a port in use."),
    ...entry("2", "An invalid command line or configuration."),
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

/** Returns one argument of a macro. */
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

/** Returns a tagged paragraph. */
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

/** Returns a line of text; text in backquotes is bold. */
function text(line: string): string {
  const escaped = escape(line).replace(/`([^`]*)`/g, "\\fB$1\\fR");
  // A line that begins with one of these characters is a control line.
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Escapes a line so that hyphens can be copied and backslashes are printed. */
function escape(line: string): string {
  return line.replaceAll("\\", "\\e").replaceAll("-", "\\-");
}
