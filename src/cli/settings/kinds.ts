/**
 * The kinds of values that settings have.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";
import { LIST_EXPECTED } from "../config/config_file.ts";
import {
  HOST_EXPECTED,
  type HostAndPort,
  PORT_EXPECTED,
  readHostAndPort,
  readInteger,
  readSeconds,
  SECONDS_EXPECTED,
} from "../config/values.ts";
import type { Kind, Words } from "./setting.ts";

const TEXT_EXPECTED = "text that is not empty";

const STRING = { type: "string" };

const NUMBER_OR_STRING = { anyOf: [{ type: "number" }, STRING] };

/** `true` or `false`; on a command line, a switch. */
export const SWITCH: Kind<boolean> = {
  type: "bool",
  expected: "true or false",
  schema: { type: "boolean" },
  read: (value) => typeof value === "boolean" ? value : undefined,
};

/** A switch that is off by default. */
export const OFF: {
  readonly kind: Kind<boolean>;
  readonly default: boolean;
} = { kind: SWITCH, default: false };

/** `on` or `off`, for an option that needs a value. */
export const ON_OR_OFF: Kind<boolean> = {
  ...SWITCH,
  value: "on|off",
  expected: "on or off",
  words: ["on", "off"],
  read: (value) => value === "on" ? true : value === "off" ? false : undefined,
  write: (value) => value ? "on" : "off",
};

/** Text with at least one character. */
export function text(value: string, words?: Words): Kind<string> {
  return {
    value,
    type: value === "FILE" ? "path" : "string",
    expected: TEXT_EXPECTED,
    schema: {
      ...STRING,
      minLength: 1,
      ...Array.isArray(words) && { examples: words },
    },
    ...(words && { words }),
    read: (value) =>
      typeof value === "string" && value !== "" ? value : undefined,
  };
}

/** Any text, for people. */
export const REMARK: Kind<string> = {
  value: "TEXT",
  type: "string",
  expected: "text",
  schema: STRING,
  read: (value) => typeof value === "string" ? value : undefined,
};

/** A password. libev also accepts a number. */
export const PASSWORD: Kind<string> = {
  value: "PASSWORD",
  type: "string",
  expected: TEXT_EXPECTED,
  schema: NUMBER_OR_STRING,
  secret: true,
  read: (value) =>
    Number.isSafeInteger(value)
      ? String(value)
      : typeof value === "string" && value !== ""
      ? value
      : undefined,
};

/** A kind of value without its schema. */
type Form<T> = Omit<Kind<T>, "schema">;

/** Returns the kind of a text with a format of its own. */
export function textAs<T>(
  { type = "string", read, ...form }: Omit<Form<T>, "read" | "type"> & {
    readonly type?: string;
    read(text: string): T | undefined;
  },
): Kind<T> {
  return {
    ...form,
    ...{ type, schema: STRING },
    read: (value) => typeof value === "string" ? read(value) : undefined,
  };
}

/** Returns the kind of a number or a text with a format of its own. */
export function numberOrText<T>(form: Form<T>): Kind<T> {
  return { ...form, schema: NUMBER_OR_STRING };
}

/** Returns the kind of one value or a list; its option may be repeated. */
export function several<T>(each: Kind<T>): Kind<T[]> {
  return {
    ...(each.value !== undefined && { value: each.value }),
    type: `${each.type} or list`,
    expected: `${each.expected}, or a list of those`,
    schema: { anyOf: [STRING, { type: "array", items: STRING }] },
    each,
    read(value): T[] | undefined {
      const all = [value].flat().map((one) => each.read(one));
      return all.every((one) => one !== undefined) ? all : undefined;
    },
    write: (values) =>
      values.map((one) => each.write?.(one) ?? String(one)).join(", "),
  };
}

/** Returns the kind of one of a few words. */
export function choice<T extends string>(
  value: string,
  words: readonly T[],
  expected: string = quotedAlternatives(words),
): Kind<T> {
  return {
    value,
    type: "string",
    expected,
    schema: { enum: words, ...STRING },
    words,
    read: (value) => words.find((word) => word === value),
  };
}

/** Returns the kind of an integer, as a number or in digits. */
export function whole(
  least: number,
  most: number,
  rest: Pick<Kind<number>, "value" | "type" | "expected">,
): Kind<number> {
  return {
    ...rest,
    schema: {
      anyOf: [
        { type: "integer", minimum: least, maximum: most },
        { ...STRING, pattern: "^\\d+$" },
      ],
    },
    read: (value) => readInteger(value, least, most),
  };
}

/** An integer of at least 1. */
export const COUNT: Kind<number> = whole(1, Number.MAX_SAFE_INTEGER, {
  value: "N",
  type: "count",
  expected: "a whole number, 1 or more",
});

/** A port of at least 1. */
export const PORT: Kind<number> = port(1);

/** A port, or 0 if the system chooses. */
export const PORT_OR_ANY: Kind<number> = port(0);

function port(least: 0 | 1): Kind<number> {
  const expected = PORT_EXPECTED;
  return whole(least, 65_535, { value: "PORT", type: "port", expected });
}

/** Seconds, read as milliseconds. */
export function seconds(leastMs: number, expected: string): Kind<number> {
  return numberOrText({
    value: "SECONDS",
    type: "seconds",
    expected,
    read: (value) => readSeconds(value, leastMs),
    write: (ms) => ms === Infinity ? "0" : String(ms / 1_000),
  });
}

/** Seconds, more than 0; read as milliseconds. */
export const SECONDS: Kind<number> = seconds(1, SECONDS_EXPECTED);

/**
 * Seconds, read as milliseconds; 0 means no limit and is read as `Infinity`.
 */
export const SECONDS_OR_NEVER: Kind<number> = {
  ...SECONDS,
  expected: "seconds in digits, up to 2147483, or 0 for never",
  read: (value) =>
    value === 0 || typeof value === "string" && /^0+(\.0+)?$/.test(value)
      ? Infinity
      : SECONDS.read(value),
};

/** A host, with or without a port. */
export const HOST: Kind<HostAndPort> = textAs({
  value: "HOST[:PORT]",
  type: "host",
  expected: HOST_EXPECTED,
  read: readHostAndPort,
  write: ({ host, port }) =>
    port === undefined ? host : formatAddress({ host, port }),
});

/** A host with a port that is not 0. */
export const REMOTE_HOST: Kind<HostAndPort> = {
  ...HOST,
  read: (value) => {
    const read = HOST.read(value);
    return read?.port === 0 ? undefined : read;
  },
};

/** A host with its port. */
export const ENDPOINT: Kind<Endpoint> = textAs({
  value: "HOST:PORT",
  expected: "HOST:PORT",
  read: readEndpoint,
  write: formatAddress,
});

/** Returns the kind of a list of objects. */
export function objects(place: string): Kind<unknown[]> {
  return {
    type: "list",
    expected: LIST_EXPECTED,
    schema: { type: "array", items: { $ref: `#/$defs/${place}` } },
    read: (value) => Array.isArray(value) ? value : undefined,
  };
}

/** Returns the kind of an object whose keys are read elsewhere. */
export function object(
  schema: Kind<unknown>["schema"],
  expected: string,
): Kind<object> {
  return {
    type: "object",
    expected,
    schema,
    read: (value) =>
      typeof value === "object" && value !== null && !Array.isArray(value)
        ? value
        : undefined,
  };
}

/** Reads text with both host and port. */
export function readEndpoint(text: string): Endpoint | undefined {
  const { host, port } = readHostAndPort(text) ?? {};
  return host === undefined || port === undefined ? undefined : { host, port };
}

/** Joins words: `a, b or c`. */
export function alternatives(words: readonly string[]): string {
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

/** Joins quoted words: `"a", "b" or "c"`. */
function quotedAlternatives(words: readonly string[]): string {
  return alternatives(words.map((word) => `"${word}"`));
}
