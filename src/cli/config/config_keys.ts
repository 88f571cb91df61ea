/**
 * The kinds of keys that configuration files have, for schemas. Each says what
 * it takes, to the program (a parsed value, or an error that tells what was
 * expected) and to editors (the JSON Schema made of it).
 *
 * @module
 */
import * as v from "valibot";
import { LIST_EXPECTED } from "./config_file.ts";
import {
  HOST_EXPECTED,
  type HostAndPort,
  PORT_EXPECTED,
  readHostAndPort,
  readInteger,
  readSeconds,
  SECONDS_EXPECTED,
} from "./values.ts";

/** A key that may be absent, and is `T` once read. */
export type Key<T> = v.OptionalSchema<v.GenericSchema<unknown, T>, undefined>;

/** Keys by name. */
export type Keys = Readonly<Record<string, Key<unknown>>>;

/** How a value is read. */
export interface Reading<T> {
  /** What the key is for; one sentence without a full stop. */
  readonly about: string;
  /** What it takes, for messages. */
  readonly expected: string;
  /** Returns `undefined` for what it does not take. */
  read(value: unknown): T | undefined;
}

/** Text for people: any. */
export function remark(about: string): Key<string> {
  return v.optional(v.pipe(v.string("text"), v.description(about)));
}

/**
 * Text with at least one character.
 *
 * @param examples What editors propose.
 */
export function text(
  about: string,
  examples: readonly string[] = [],
): Key<string> {
  const expected = "text that is not empty";
  const some = v.pipe(
    v.string(expected),
    v.minLength(1, expected),
    v.description(about),
  );
  return v.optional(
    examples.length > 0 ? v.pipe(some, v.examples(examples)) : some,
  );
}

/** Text in a form of its own. */
export function textAs<T>(reading: Reading<T>): Key<T> {
  return key(v.string(reading.expected), reading);
}

/** One text in a form of its own, or a list of them. */
export function texts<T>({ about, expected, read }: Reading<T>): Key<T[]> {
  const reading: Reading<T[]> = {
    about,
    expected: `${expected}, or a list of those`,
    read: (value) => {
      const all = (Array.isArray(value) ? value : [value]).map(read);
      return all.every((one) => one !== undefined) ? all : undefined;
    },
  };
  return key(
    v.union([v.string(), v.array(v.string())], reading.expected),
    reading,
  );
}

/** Number or text in a form of its own. */
export function numberOrText<T>(reading: Reading<T>): Key<T> {
  return key(v.union([v.number(), v.string()], reading.expected), reading);
}

/** `true` or `false`. */
export function flag(about: string): Key<boolean> {
  return v.optional(
    v.pipe(v.boolean("true or false"), v.description(about)),
  );
}

/** One of a few words. */
export function choice<T extends string>(
  words: readonly T[],
  about: string,
): Key<T> {
  return v.optional(
    v.pipe(v.picklist(words, quotedAlternatives(words)), v.description(about)),
  );
}

/** `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** `"a", "b" or "c"`, as JSON has them. */
export function quotedAlternatives(words: readonly string[]): string {
  return alternatives(words.map((word) => `"${word}"`));
}

/** A port from 0, where the system may choose, or from 1. */
export function port(least: 0 | 1, about: string): Key<number> {
  return whole({ least, most: 65_535, expected: PORT_EXPECTED, about });
}

/** A whole number from 1. */
export function count(about: string): Key<number> {
  return whole({
    least: 1,
    most: Number.MAX_SAFE_INTEGER,
    expected: "a whole number, 1 or more",
    about,
  });
}

/** Seconds, read as milliseconds. */
export function seconds(about: string): Key<number> {
  return numberOrText({
    about,
    expected: SECONDS_EXPECTED,
    read: (value) => readSeconds(value, 1),
  });
}

/** A host, with or without a port. */
export function host(about: string): Key<HostAndPort> {
  return textAs({ about, expected: HOST_EXPECTED, read: readHost });
}

/** Reads {@link host}; also one of {@link texts}. */
export function readHost(value: unknown): HostAndPort | undefined {
  return typeof value === "string" ? readHostAndPort(value) : undefined;
}

/** A password. libev takes a number for one. */
export function password(about: string): Key<string> {
  return numberOrText({
    about,
    expected: "text that is not empty",
    read: (value) =>
      Number.isSafeInteger(value)
        ? String(value)
        : typeof value === "string" && value !== ""
        ? value
        : undefined,
  });
}

/** A list of objects, of which this says no more. */
export function objects(about: string): Key<unknown[]> {
  const objects = v.array(v.looseObject({}, LIST_EXPECTED), LIST_EXPECTED);
  return v.optional(v.pipe(objects, v.description(about)));
}

/** Anything: nobody reads it. */
export function anything(about: string): Key<unknown> {
  return v.optional(v.pipe(v.unknown(), v.description(about)));
}

/** A number or digits, between the bounds. */
function whole(
  { least, most, expected, about }: {
    readonly least: number;
    readonly most: number;
    readonly expected: string;
    readonly about: string;
  },
): Key<number> {
  const number = v.pipe(
    v.number(expected),
    v.integer(expected),
    v.minValue(least, expected),
    v.maxValue(most, expected),
  );
  const digits = v.pipe(v.string(expected), v.regex(/^\d+$/, expected));
  return key(v.union([number, digits], expected), {
    about,
    expected,
    read: (value) => readInteger(value, least, most),
  });
}

function key<T>(
  takes: v.GenericSchema<unknown>,
  { about, expected, read }: Reading<T>,
): Key<T> {
  return v.optional(
    v.pipe(
      takes,
      v.description(about),
      v.rawTransform(({ dataset, addIssue, NEVER }) => {
        const result = read(dataset.value);
        if (result !== undefined) return result;
        addIssue({ message: expected });
        return NEVER;
      }),
    ),
  );
}
