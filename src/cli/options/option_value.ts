/**
 * Reads values of options, and makes the error for an invalid value.
 *
 * @module
 */
import { badValue, type ConfigError } from "../../errors.ts";
import type { Arguments } from "./args.ts";

/**
 * Reads the value of an option.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function option<T>(
  args: Arguments,
  name: string,
  read: (text: string) => T | undefined,
  expected: string,
): T | undefined {
  const text = args.last(name);
  if (text === undefined) return undefined;
  const value = read(text);
  if (value === undefined) throw badOption(name, expected);
  return value;
}

/**
 * Returns the error for an option with an invalid value. The message does not
 * repeat the value: it may be a password that was meant for another option.
 */
export function badOption(name: string, expected: string): ConfigError {
  return badValue(`--${name}: expected ${expected}`);
}
