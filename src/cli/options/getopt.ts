/**
 * Rewrites the spellings of options that users of libev know from getopt into
 * the one form that all parsers read the same way.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import type { Option } from "./option.ts";

/**
 * Rewrites every known option as `--name=value`: `-k PASSWORD`, `-kPASSWORD`,
 * `-vk PASSWORD`, and values that start with a dash. Unknown long options are
 * left unchanged; the parser reports them.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE` for an unknown letter, a missing
 * value, or a value of a switch.
 */
export function spellOut(
  options: readonly Option[],
  argv: readonly string[],
): string[] {
  const out: string[] = [];
  const rest = [...argv];
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    if (arg === "--") return [...out, arg, ...rest];
    const long = /^--([^=]+)(?:=(.*))?$/s.exec(arg);
    if (long) {
      const option = findLong(options, long[1]!);
      out.push(option ? spell(option, long[2], rest) : arg);
    } else if (/^-[^-]/.test(arg)) {
      out.push(...spellCluster(options, arg.slice(1), rest));
    } else {
      out.push(arg);
    }
  }
  return out;
}

/** Returns the spelling of an option, for messages. */
export function spelling({ name, short, standing }: Option): string {
  if (short === undefined) return `--${name}`;
  // libev has only the letter of an option of another program.
  return standing === undefined ? `-${short}, --${name}` : `-${short}`;
}

/** Returns the error for an invalid command line. */
export function usage(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_USAGE", message);
}

function findLong(
  options: readonly Option[],
  name: string,
): Option | undefined {
  return options.find((o) => o.name === name || o.aliases?.includes(name));
}

/**
 * Rewrites a group of letters. All but the last are switches; the letters after
 * the last option are its value.
 */
function spellCluster(
  options: readonly Option[],
  letters: string,
  rest: string[],
): string[] {
  const out: string[] = [];
  for (let i = 0; i < letters.length; i++) {
    const option = options.find((o) => o.short === letters[i]);
    // The other letters may be a password and are not repeated.
    if (!option) throw usage(`Unknown option -${letters[i]}; see --help`);
    if (option.value !== undefined) {
      return [...out, spell(option, letters.slice(i + 1) || undefined, rest)];
    }
    out.push(spell(option, undefined, rest));
  }
  return out;
}

/**
 * @param rest The arguments that follow. The first is removed if it is the
 * value.
 */
function spell(
  option: Option,
  joined: string | undefined,
  rest: string[],
): string {
  if (option.value === undefined) {
    if (joined === undefined) return `--${option.name}=true`;
    throw usage(`Option --${option.name} takes no value`);
  }
  const value = joined ?? rest.shift();
  if (value) return `--${option.name}=${value}`;
  throw usage(`Option ${spelling(option)} needs a value: ${option.value}`);
}
