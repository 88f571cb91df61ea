/**
 * Command line → option values, by a command's table; no I/O.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import type { ConfigError } from "../../errors.ts";
import { spelling, spellOut, usage } from "./getopt.ts";
import { nearest } from "./nearest.ts";
import type { Command, Option } from "./option.ts";

/** A command line, read. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;
  /** The arguments that are no options, in order. */
  readonly operands: readonly string[];
  /** Warnings for the operator that are no errors. */
  readonly warnings: readonly string[];

  /** Called by {@link parseArguments} only. */
  constructor(
    values: Readonly<Record<string, unknown>>,
    operands: readonly string[],
    warnings: readonly string[],
  ) {
    this.#values = values;
    this.operands = operands;
    this.warnings = warnings;
  }

  /**
   * Returns the same without the first operand, where that is a word of ours.
   */
  withoutWord(): Arguments {
    return new Arguments(this.#values, this.operands.slice(1), this.warnings);
  }

  /** Returns the same with an operand that is a configuration file. */
  withFile(operand: string): Arguments {
    return new Arguments(
      { ...this.#values, config: [operand] },
      this.operands.filter((one) => one !== operand),
      this.warnings,
    );
  }

  /** True if a switch is on. */
  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Every value of an option, in order. */
  all(name: string): readonly string[] {
    return (this.#values[name] ?? []) as string[];
  }

  /** The value of an option; the last one where it was repeated. */
  last(name: string): string | undefined {
    return this.all(name).at(-1);
  }
}

/**
 * Reads what follows the command's name.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function parseArguments(
  command: Command,
  argv: readonly string[],
): Arguments {
  const { options } = command;
  const named = (wanted: boolean): string[] =>
    options.filter((o) => (o.value !== undefined) === wanted)
      .map((o) => o.name);
  const parsed: Record<string, unknown> = parseArgs(
    spellOut(options, argv),
    {
      boolean: named(false),
      string: [...named(true), "_"],
      collect: named(true),
      unknown: (arg: string, key?: string) => {
        if (key !== undefined || arg.length > 1 && arg.startsWith("-")) {
          throw unknownOption(command, arg);
        }
        return true;
      },
    },
  );
  const given = (option: Option): boolean =>
    parsed[option.name] === true ||
    option.value !== undefined && (parsed[option.name] as string[]).length > 0;
  const warnings: string[] = [];
  for (const option of options.filter(given)) {
    if (option.standing === "ignored") {
      warnings.push(`ignored: ${spelling(option)}: ${option.help}`);
    } else if (option.standing === "refused" && parsed.help !== true) {
      throw usage(`Not supported (yet): ${spelling(option)}: ${option.help}`);
    }
  }
  const operands = parsed._ as string[];
  if (operands.length > command.maxOperands && parsed.help !== true) {
    // It may be a password: the message names its place.
    const operand = operands[command.maxOperands]!;
    const place = argv.lastIndexOf(operand) + 1;
    if (/^ssr?:\/\//i.test(operand)) {
      throw usage(
        `A link at place ${place} is for \`umbra local\`, which connects to a ` +
          "server; `umbra url` prints the links of a server's own configuration",
      );
    }
    throw usage(
      `Unexpected argument at place ${place}; see --help` +
        (command.options.some(({ name }) => name === "config")
          ? ": -c names a configuration file"
          : ""),
    );
  }
  return new Arguments(parsed, operands, warnings);
}

function unknownOption(command: Command, arg: string): ConfigError {
  const word = arg.replace(/=.*$/s, "");
  const known = command.options.filter((o) => o.standing === undefined)
    .flatMap((o) => [o.name, ...(o.aliases ?? [])]);
  // Dashes are alike in all, and none of the letters.
  const letters = word.replace(/^-+/, "");
  // People write --port for --server-port.
  const meant = nearest(letters, known) ??
    known.find((name) => name.endsWith(`-${letters}`));
  const shown = NAME.test(word) ? ` ${word}` : "";
  return usage(
    `Unknown option${shown}; ` +
      (meant === undefined ? "see --help" : `did you mean --${meant}?`),
  );
}

/** The form of an option's name; anything else may be a password. */
const NAME = /^--?[a-z]+(?:-[a-z]+)*$/;
