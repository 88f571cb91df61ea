/**
 * Replaces `@std/cli/parse-args` where JSR is not reachable: the same name, and
 * the same documented behaviour for the options that this program uses, with
 * the npm package `minimist`. Delete the `links` line of `deno.json` (and
 * `src/tsconfig.json`) to use the published package instead.
 *
 * Does not: collect repeated booleans, apply `collect` to dotted names, or pass
 * the value of `--name value` and the key of `-abc` to `unknown`.
 *
 * @module
 */
// @ts-types="./minimist.d.ts"
import minimist from "minimist";

/** The options of {@link parseArgs}. */
export interface ParseOptions {
  /**
   * True to put the arguments after `--` into `result["--"]` instead of
   * `result._`.
   */
  readonly "--"?: boolean;
  /** Other names of an option; the result has all of them. */
  readonly alias?: Readonly<Record<string, string | readonly string[]>>;
  /** Options without a value; `true` for every `--name` without `=`. */
  readonly boolean?: boolean | string | readonly string[];
  /** Values of absent options. */
  readonly default?: Readonly<Record<string, unknown>>;
  /** True to stop at the first argument that is not an option. */
  readonly stopEarly?: boolean;
  /** Options whose value stays text; `_` stands for the other arguments. */
  readonly string?: string | readonly string[];
  /**
   * Options whose values are collected in an array. Otherwise the last value
   * counts.
   */
  readonly collect?: string | readonly string[];
  /** Options that `--no-NAME` sets to `false`. */
  readonly negatable?: string | readonly string[];
  /**
   * Called for every undeclared argument; `key` is absent for an argument that
   * is not an option. `false` drops the argument.
   */
  readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/** The options by name, and the other arguments as `_`. */
export interface Args {
  /**
   * An option: text, number, boolean, an array of these, or a nested object.
   */
  [name: string]: unknown;
  /** Arguments that are not options, in order. */
  _: (string | number)[];
  /** The arguments after `--`, if requested. */
  "--"?: string[];
}

/**
 * Turns command line arguments into an object.
 *
 * @param args Borrowed, not changed.
 *
 * @example Usage
 * ```ts
 * import { parseArgs } from "@std/cli/parse-args";
 *
 * const args = parseArgs(["--port=80", "-v", "x"], { boolean: ["v"] });
 * // { port: 80, v: true, _: ["x"] }
 * ```
 */
export function parseArgs(
  args: readonly string[],
  options: ParseOptions = {},
): Args {
  const aliases = aliasLists(options);
  const closed = (names: string | readonly string[] | undefined) =>
    list(names).flatMap((name) => [name, ...(aliases.get(name) ?? [])]);
  const negatable = new Set(closed(options.negatable));
  const collect = new Set(closed(options.collect));
  const defaults = renamed(options.default ?? {}, mark);
  const { boolean } = options;

  const raw = minimist(markNegations(args, negatable), {
    "--": options["--"] ?? false,
    alias: renamed(options.alias ?? {}, mark, (names) => list(names).map(mark)),
    boolean: typeof boolean === "boolean" ? boolean : closed(boolean).map(mark),
    default: defaults,
    stopEarly: options.stopEarly ?? false,
    string: list(options.string).map(mark),
    unknown: (arg) => reportUnknown(arg, options.unknown),
  });

  const result: Args = { ...renamed(raw, unmark), _: raw._.map(unmarkText) };
  for (const [name, value] of Object.entries(result)) {
    if (name === "_" || name === "--" || value === defaults[mark(name)]) {
      continue;
    }
    if (collect.has(name)) {
      result[name] = Array.isArray(value) ? value : [value];
    } else if (Array.isArray(value)) result[name] = value.at(-1);
  }
  for (const name of closed(options.string)) {
    if (collect.has(name)) result[name] ??= [];
  }
  return result;
}

function list(names: string | readonly string[] | undefined): string[] {
  return typeof names === "string" ? [names] : [...(names ?? [])];
}

/** Returns the other names of every option. */
function aliasLists({ alias = {} }: ParseOptions): Map<string, string[]> {
  const lists = new Map<string, string[]>();
  for (const [name, others] of Object.entries(alias)) {
    const names = [name, ...list(others)];
    for (const one of names) lists.set(one, names.filter((x) => x !== one));
  }
  return lists;
}

/**
 * Hides arguments from minimist. minimist negates every `--no-x`, the published
 * package only the listed names; a mark before the others prevents that.
 */
const MARK = "\u0000";

function mark(name: string): string {
  return name.startsWith("no-") ? MARK + name : name;
}

function unmark(name: string): string {
  return name.startsWith(MARK) ? name.slice(MARK.length) : name;
}

function unmarkText(value: string | number): string | number {
  return typeof value === "string" ? value.replace(`--${MARK}`, "--") : value;
}

function markNegations(
  args: readonly string[],
  negatable: ReadonlySet<string>,
): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    if (!arg.startsWith("--no-") || (end >= 0 && index > end)) return arg;
    if (!arg.includes("=") && negatable.has(arg.slice("--no-".length))) {
      return arg;
    }
    return `--${MARK}${arg.slice(2)}`;
  });
}

function renamed<T, U = T>(
  record: Readonly<Record<string, T>>,
  rename: (name: string) => string,
  convert: (value: T) => U = (value) => value as unknown as U,
): Record<string, U> {
  return Object.fromEntries(
    Object.entries(record).map(([name, v]) => [rename(name), convert(v)]),
  );
}

function reportUnknown(arg: string, unknown: ParseOptions["unknown"]): boolean {
  if (unknown === undefined) return true;
  const written = arg.replace(MARK, "");
  const long = /^--([^=]+)(?:=([\s\S]*))?$/.exec(written);
  if (long) return unknown(written, long[1], long[2]) !== false;
  const short = /^-([^-])$/.exec(written);
  return unknown(written, short?.[1]) !== false;
}
