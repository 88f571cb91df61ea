/**
 * Reads a group of settings from its sources, and merges them. No I/O.
 *
 * @module
 */
import { badValue } from "../../errors.ts";
import type { ConfigObject } from "../config/config_file.ts";
import type { Arguments } from "../options/args.ts";
import { badOption } from "../options/option_value.ts";
import {
  type AnySetting,
  type AnySettings,
  isAllowedIn,
  keysOf,
  type Place,
  type Settings,
} from "./setting.ts";

/** Values of settings; a setting without a value is absent. */
export type Said<T> = { readonly [K in keyof T]?: T[K] };

/**
 * Reads settings from the command line.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function fromOptions<T>(
  settings: Settings<T>,
  args: Arguments,
): Said<T> {
  return collect<T>(settings, (row) => optionValue(row, args));
}

/**
 * Reads settings from an object of a configuration file.
 *
 * @param place The kind of the object.
 * @throws {ConfigError} With the place of the mistake.
 */
export function fromObject<T>(
  settings: Settings<T>,
  object: ConfigObject,
  place: Place = "top",
): Said<T> {
  return collect<T>(settings, (row) => {
    if (!isAllowedIn(row, place)) return undefined;
    // Fast path: most rows have one key, and most objects do not have it.
    if (row.keyAliases === undefined && !object.has(row.key ?? "")) {
      return undefined;
    }
    const [key, second] = keysOf(row).filter((key) => object.has(key));
    if (key === undefined) return undefined;
    if (second === undefined) {
      return object.value(key, row.fileKind ?? row.kind);
    }
    throw badValue(
      `${object.where(second)} means the same as "${key}": keep one`,
    );
  });
}

/** Reads settings from the command line, and others from the top of a file. */
export function fromBoth<T>(
  settings: Settings<T>,
  args: Arguments,
  file: ConfigObject | undefined,
): Said<T> {
  return merge(fromOptions(settings, args), file && fromObject(settings, file));
}

/** Returns each setting from the first source that has it. */
export function merge<T>(
  ...sources: readonly (Said<T> | undefined)[]
): Said<T> {
  const said = sources.filter((one) => one !== undefined);
  return Object.assign({}, ...said.reverse());
}

/** Adds the default of each setting that has no value. */
export function complete<T>(settings: Settings<T>, said: Said<T>): T {
  return { ...collect<T>(settings, (row) => row.default), ...said } as T;
}

function optionValue(
  { flag, kind }: AnySetting,
  args: Arguments,
): unknown {
  if (flag === undefined) return undefined;
  if (kind.value === undefined) return args.has(flag) || undefined;
  const read = ({ read, expected }: typeof kind, text: string) => {
    const value = read(text);
    if (value !== undefined) return value;
    throw badOption(flag, unquoted(expected));
  };
  const texts = args.all(flag);
  if (texts.length === 0) return undefined;
  const { each } = kind;
  return each === undefined
    ? read(kind, texts.at(-1)!)
    : texts.map((text) => read(each, text));
}

/** Removes the quotes of JSON from a text about an option. */
function unquoted(expected: string): string {
  return expected.replaceAll('"', "");
}

function collect<T>(
  settings: AnySettings,
  valueOf: (row: AnySetting) => unknown,
): Said<T> {
  // A loop instead of array methods: there may be 100,000 users.
  const said: Record<string, unknown> = {};
  for (const name in settings) {
    const value = valueOf(settings[name]!);
    if (value !== undefined) said[name] = value;
  }
  return said as Said<T>;
}
