/**
 * Reads the action of a command that has several.
 *
 * @module
 */
import { usage } from "./getopt.ts";

/**
 * Returns the action that the first word names.
 *
 * @param command The words before the action.
 * @param actions What follows each action; empty if nothing does.
 * @throws {ConfigError} If a word is missing, or is too much.
 */
export function readAction<A extends string>(
  command: string,
  actions: Readonly<Record<A, string>>,
  [action = "", operand, ...more]: readonly string[],
): A {
  if (!Object.hasOwn(actions, action)) {
    throw usage(
      `Missing action: ${command} takes ${Object.keys(actions).join(", ")}`,
    );
  }
  const wanted = actions[action as A];
  if (wanted !== "" && operand === undefined) {
    throw usage(`Missing ${wanted}: ${command} ${action} ${wanted}`);
  }
  if (wanted === "" && operand !== undefined || more.length > 0) {
    throw usage(
      wanted === ""
        ? `${command} ${action} takes nothing more`
        : `${command} ${action} takes one ${wanted}: quote one with spaces`,
    );
  }
  return action as A;
}
