/**
 * Runs the command of a command line. Every outcome becomes an exit code and at
 * most one line on standard error.
 *
 * @module
 */
import { ConfigError, UmbraError } from "../errors.ts";
import { parseArguments } from "./options/args.ts";
import { commandOf, impliedCommand } from "./commands/commands.ts";
import { commandHelp, programHelp } from "./options/help.ts";
import type { Host } from "./run/host.ts";
import type { Command } from "./options/option.ts";
import { complain, print } from "./output.ts";
import { runNamed, Unwell } from "./run_command.ts";
import { versionLine } from "./tools/version.ts";
import { WorkerFailure } from "./run/workers.ts";

/** Exit codes of the program; 0 is success. */
export const EXIT = {
  /** A failure at run time, for example a port in use. */
  failure: 1,
  /** An invalid command line or configuration. */
  usage: 2,
} as const;

/**
 * Runs the program.
 *
 * @param argv The arguments after the name of the program.
 * @param names Names under which the program may have been started.
 * @param host The process or worker in which services run.
 * @returns The exit code.
 */
export async function runProgram(
  argv: readonly string[],
  names: readonly (string | undefined)[],
  host: Host,
): Promise<number> {
  const implied = impliedCommand(names);
  const name = implied?.executable ?? "umbra";
  try {
    if (implied !== undefined) {
      await runCommand(implied, argv, name, host);
      return 0;
    }
    return await dispatch(argv, host);
  } catch (error) {
    if (error instanceof WorkerFailure) return error.code;
    if (error instanceof Unwell) {
      return error.isConfig ? EXIT.usage : EXIT.failure;
    }
    complain(`${name}: ${describeError(error, isVerbose(argv))}\n`);
    return error instanceof ConfigError ? EXIT.usage : EXIT.failure;
  }
}

/**
 * True if the arguments contain the switch for more output. The command line
 * may be invalid.
 */
export function isVerbose(argv: readonly string[]): boolean {
  return argv.some((arg) => /^-\w*v|^--verbose$/.test(arg));
}

/**
 * Describes an error: an expected error in one line, a defect with its stack or
 * the hint to get it.
 */
export function describeError(error: unknown, verbose: boolean): string {
  if (error instanceof UmbraError) return error.message;
  if (!(error instanceof Error)) return `unexpected error: ${String(error)}`;
  return verbose
    ? `unexpected error: ${error.stack ?? error.message}`
    : `unexpected error: ${error.message}; run with -v for the stack`;
}

async function dispatch(
  argv: readonly string[],
  host: Host,
): Promise<number> {
  const [word, ...rest] = argv;
  switch (word) {
    case undefined:
      complain(programHelp());
      return EXIT.usage;
    case "-h":
    case "--help":
      await print(programHelp());
      return 0;
    case "-V":
    case "--version":
      await print(`${versionLine()}\n`);
      return 0;
  }
  await runCommand(commandOf(word), rest, `umbra ${word}`, host);
  return 0;
}

async function runCommand(
  command: Command,
  argv: readonly string[],
  invocation: string,
  host: Host,
): Promise<void> {
  const args = parseArguments(command, argv);
  if (args.has("help")) return await print(commandHelp(command, invocation));
  if (args.has("version")) return await print(`${versionLine()}\n`);
  await runNamed(command.name, args, host);
}
