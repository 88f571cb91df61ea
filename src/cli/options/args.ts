/**
 * Reads a command line with the options of a command; no I/O.
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import type { ConfigError } from "../../errors.ts";
import { spelling, spellOut, usage } from "./getopt.ts";
import { nearest } from "./nearest.ts";
import type { Command, Option } from "./option.ts";

/** A command line after parsing. */
export class Arguments {
  readonly #values: Readonly<Record<string, unknown>>;
  /** The arguments that are not options, in order. */
  readonly operands: readonly string[];
  /** Warnings for the operator. */
  readonly warnings: readonly string[];

  /** Called only by {@link parseArguments}. */
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
   * Returns the same arguments without the first operand, a word that the
   * command has handled.
   */
  withoutWord(): Arguments {
    return new Arguments(this.#values, this.operands.slice(1), this.warnings);
  }

  /** Returns the same arguments with an operand as the configuration file. */
  withFile(operand: string): Arguments {
    return new Arguments(
      { ...this.#values, config: [operand] },
      this.operands.filter((one) => one !== operand),
      this.warnings,
    );
  }

  /** True if a switch is given. */
  has(name: string): boolean {
    return this.#values[name] === true;
  }

  /** Returns every value of an option, in order. */
  all(name: string): readonly string[] {
    return (this.#values[name] ?? []) as string[];
  }

  /** Returns the value of an option, the last one if it is repeated. */
  last(name: string): string | undefined {
    return this.all(name).at(-1);
  }
}

/**
 * Parses the arguments after the name of the command.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function parseArguments(
  command: Command,
  argv: readonly string[],
): Arguments {
  const { options, maxOperands = 0 } = command;
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
      throw usage(`Not supported: ${spelling(option)}: ${option.help}`);
    }
  }
  const operands = parsed._ as string[];
  if (operands.length > maxOperands && parsed.help !== true) {
    // The operand may be a password: the message names its place only.
    const operand = operands[maxOperands]!;
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
  // All options begin with the same dashes, which would make them similar.
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

/** The form of an option's name; any other text may be a password. */
const NAME = /^--?[a-z]+(?:-[a-z]+)*$/;
