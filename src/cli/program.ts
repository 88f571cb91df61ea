/**
 * The program: picks the command, and turns every outcome into an exit code
 * and at most one line of complaint.
 *
 * @module
 */
import { findMethod } from "../crypto/method.ts";
import { ConfigError, UmbraError } from "../errors.ts";
import { systemRandomBytes } from "../random.ts";
import { type Arguments, parseArguments } from "./args.ts";
import { COMMANDS, findCommand, impliedCommand } from "./commands/commands.ts";
import { DEFAULT_METHOD } from "./commands/defaults.ts";
import { describeConfig } from "./config/check_config.ts";
import { runCheckServer } from "./doctor/check_server.ts";
import { completions } from "./completions/completions.ts";
import { configureUrls } from "./config/configure_urls.ts";
import { generateKey } from "./genkey.ts";
import { cryptoTable } from "./crypto.ts";
import { runDoctor } from "./doctor/doctor.ts";
import { usage } from "./getopt.ts";
import { commandHelp, programHelp } from "./help.ts";
import type { Host } from "./host.ts";
import { runInit } from "./init/init.ts";
import { manPage } from "./man.ts";
import { nearest } from "./nearest.ts";
import { openOnline } from "./online/open_online.ts";
import type { Command } from "./option.ts";
import { complain, print } from "./output.ts";
import { systemSources } from "./config/sources.ts";
import { qrLines } from "./qr_terminal.ts";
import { runLocal, runServer, runTunnel } from "./start.ts";
import { runTop } from "./top/top.ts";
import { versionLine } from "./version.ts";
import { WorkerFailure } from "./workers.ts";

/** Exit codes of the program; 0 is success. */
export const EXIT = {
  /** Something failed while running: a port in use, say. */
  failure: 1,
  /** The command line or the configuration is wrong. */
  usage: 2,
} as const;

/**
 * Runs the program.
 *
 * @param argv What follows the program's name.
 * @param names Under what names it may have been started.
 * @param host Where it runs.
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
    if (error instanceof Unwell) return EXIT.failure;
    complain(`${name}: ${describeError(error, isVerbose(argv))}\n`);
    return error instanceof ConfigError ? EXIT.usage : EXIT.failure;
  }
}

/** Whether a command line that may be broken asks for more. */
export function isVerbose(argv: readonly string[]): boolean {
  return argv.some((arg) => /^-\w*v|^--verbose$/.test(arg));
}

/**
 * What to say of an error: one line for an expected one, and for a defect the
 * way to more.
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
  switch (command.name) {
    case "local":
      return await runLocal(args, host);
    case "tunnel":
      return await runTunnel(args, host);
    case "server":
      return await runServer(args, host);
    case "init":
      return await runInit(args);
    case "genkey":
      return await printKey(args);
    case "url":
      return await printUrls(args);
    case "top":
      return await runTop(args);
    case "check":
      return await runCheck(args);
    case "doctor":
      return succeed(await runDoctor(args));
    case "completions":
      return await print(completions(args.operands[0]));
    case "man":
      return await print(manPage());
    case "help":
      return await printHelp(args);
    default:
      throw new RangeError(`Nothing runs the command ${command.name}`);
  }
}

async function printKey(args: Arguments): Promise<void> {
  const method = findMethod(args.operands[0] ?? DEFAULT_METHOD);
  await print(`${generateKey(method, systemRandomBytes)}\n`);
}

async function printUrls(args: Arguments): Promise<void> {
  using online = await openOnline(args, systemSources);
  const { result, warnings } = configureUrls(
    args,
    systemSources,
    online?.servers,
  );
  for (const warning of [...online?.warnings ?? [], ...warnings]) {
    complain(`umbra: ${warning}\n`);
  }
  const drawing = args.has("qr") ? qrLines : () => "";
  await print(result.map((url) => `${url}\n${drawing(url)}`).join(""));
}

async function runCheck(args: Arguments): Promise<void> {
  const [what, file] = args.operands;
  switch (what) {
    case "config":
      if (file === undefined) throw usage("Nothing to check: name the FILE");
      return await print(describeConfig(file, args, systemSources));
    case "crypto":
      return await print(cryptoTable());
    case "server":
      return succeed(await runCheckServer(args.withoutWord()));
    default:
      throw usage(
        `${
          what === undefined ? "Nothing to check" : `Cannot check ${what}`
        }: ` +
          "expected config, crypto or server",
      );
  }
}

/** A command that has said what it found, and that it was not well. */
class Unwell extends Error {}

function succeed(well: boolean): void {
  if (!well) throw new Unwell("Something failed");
}

async function printHelp(args: Arguments): Promise<void> {
  const [word] = args.operands;
  await print(
    word === undefined
      ? programHelp()
      : commandHelp(commandOf(word), `umbra ${word}`),
  );
}

function commandOf(word: string): Command {
  const command = findCommand(word);
  if (command !== undefined) return command;
  const meant = nearest(word, COMMANDS.map((one) => one.name));
  const what = word.startsWith("-") ? "option" : "command";
  throw new ConfigError(
    "ERR_CONFIG_USAGE",
    `Unknown ${what} ${word}; ` +
      (meant === undefined ? "see `umbra help`" : `did you mean ${meant}?`),
  );
}
