/**
 * The shape of the command table.
 *
 * @module
 */
import type { Words } from "../settings/setting.ts";

/** One option of a command line. */
export interface Option {
  /** Long name, without dashes; the key of its value. */
  readonly name: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Other long names. */
  readonly aliases?: readonly string[];
  /** The name of the value in the help; absent for a switch. */
  readonly value?: string;
  /** True if every value counts, not only the last. */
  readonly repeatable?: boolean;
  /** One sentence without a full stop. */
  readonly help: string;
  /** The default, as the help shows it. */
  readonly default?: string;
  /** The words that shells propose for the value. */
  readonly words?: Words;
  /**
   * Set for an option of another program that Umbra does not support: `ignored`
   * with a warning, or `refused` with the reason in `help`. The option is not
   * shown in the help.
   */
  readonly standing?: "ignored" | "refused";
}

/**
 * Makes an option.
 *
 * @param name Its name and, unless it is a switch, the name of its value:
 * `port PORT`.
 * @param help One sentence without a full stop.
 */
export function flag(
  name: string,
  help: string,
  more: Partial<Option> = {},
): Option {
  const [long = "", value] = name.split(" ");
  return { name: long, ...value && { value }, help, ...more };
}

/** One command. */
export interface Command {
  /** The word after the name of the program. */
  readonly name: string;
  /** The name of an executable that implies the command. */
  readonly executable?: string;
  /** The operands after the options, as the help shows them. */
  readonly operands?: string;
  /** The maximum number of operands; default: 0. */
  readonly maxOperands?: number;
  /** One line, for the list of commands. */
  readonly summary: string;
  /** Paragraphs above the options. */
  readonly description: readonly string[];
  /** The options, in the order of the help. */
  readonly options: readonly Option[];
  /** Complete command lines. */
  readonly examples: readonly string[];
}
