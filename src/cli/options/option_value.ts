/**
 * Values of options, and the error of one that is not what was expected.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "./args.ts";

/**
 * The value of an option, read.
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
 * The error of an option whose value is not what was expected. It does not
 * repeat the value, which may be a password: of another option, or the letters
 * behind the one that was meant.
 */
export function badOption(name: string, expected: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", `--${name}: expected ${expected}`);
}
