/**
 * Parses the text of a configuration file into JSON values that know their
 * place. Comments and trailing commas are allowed, as in shadowsocks-rust.
 *
 * @module
 */
import type { JSONPath } from "jsonc-parser";
import { badValue, type ConfigError } from "../../errors.ts";
import { editDistance, nearest } from "../options/nearest.ts";
import type { Kind } from "../settings/setting.ts";
import { isComment, readConfigText } from "./config_text.ts";
import { isObject } from "../../codec/json.ts";

/** The value that {@link ConfigObject.children} expects, for messages. */
export const LIST_EXPECTED = "a list of objects";

/** The key under which the list of `mudb.json` of ShadowsocksR is read. */
export const MUDB_KEY = "mudb";

/**
 * The largest edit distance at which an unknown key is an error rather than a
 * warning: it is probably a misspelt key.
 */
const SLIP = 2;

/** Keys whose values, at any depth, must not appear in messages. */
const SECRET_KEYS: ReadonlySet<unknown> = new Set([
  "password",
  "token",
  "key",
  "port_password",
  "additional_ports",
  "protocol_param",
  "url",
  "udp_url",
  "headers",
  "tcp_path",
  "udp_path",
  MUDB_KEY,
]);

/**
 * Keys of names beside `protocol_param`. No name has a colon, so that a value
 * with one has the users of `protocol_param`.
 */
const NAME_KEYS: ReadonlySet<unknown> = new Set(["protocol", "obfs"]);

/**
 * One object of a configuration file. Its errors name file, line and column. A
 * key whose value is `null` is absent.
 */
export class ConfigObject {
  readonly #place: (path: JSONPath) => string;
  readonly #path: JSONPath;
  readonly #fields: Fields;

  /** Used by {@link parseConfig} and by this class only. */
  constructor(
    place: (path: JSONPath) => string,
    path: JSONPath,
    fields: Fields,
  ) {
    this.#place = place;
    this.#path = path;
    this.#fields = fields;
  }

  /** Returns the keys that are present. */
  keys(): string[] {
    return Object.keys(this.#fields);
  }

  /** True if a key is present. */
  has(key: string): boolean {
    return Object.hasOwn(this.#fields, key);
  }

  /**
   * Returns the same object with a key of another one. The key keeps its place
   * in messages.
   */
  withKey(key: string, other: ConfigObject): ConfigObject {
    return new ConfigObject(
      (path) => path[0] === key ? other.#place(path) : this.#place(path),
      this.#path,
      { ...this.#fields, [key]: other.#fields[key] },
    );
  }

  /** Returns the same object with one of its keys. */
  only(key: string): ConfigObject {
    return new ConfigObject(this.#place, this.#path, {
      [key]: this.#fields[key],
    });
  }

  /**
   * True if the object, at any depth, contains a password or key and not only
   * the name of a file that has one.
   */
  get hasSecrets(): boolean {
    return holdsSecret(this.#fields);
  }

  /**
   * True if the value of a key has no effect: absent, `""`, `false`, an empty
   * list.
   */
  isEmpty(key: string): boolean {
    const value = this.#fields[key] ?? "";
    return value === "" || value === false ||
      Array.isArray(value) && value.length === 0;
  }

  /** Returns the values of a key that may be a list, not yet checked. */
  values(key: string): readonly unknown[] {
    return [this.#fields[key] ?? []].flat();
  }

  /**
   * Returns the place of a value, or of the object itself: `file:line:column:
   * key`.
   */
  where(...below: JSONPath): string {
    const path = [...this.#path, ...below];
    const name = describePath(path);
    return this.#place(path) + (name === "" ? "" : `: ${name}`);
  }

  /**
   * Reads the value of a key.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` if the value is absent or invalid.
   */
  value<T>(key: string, { read, expected }: Kind<T>): T {
    const value = this.has(key) ? read(this.#fields[key]) : undefined;
    if (value === undefined) throw this.wrong(key, expected);
    return value;
  }

  /**
   * Reads one value of a key that may be a list.
   *
   * @param kind Not set if the list must not have this element.
   * @throws {ConfigError} If the value is invalid.
   */
  item<T>(key: string, index: number, kind: Kind<T> | undefined): T {
    const value = kind?.read(this.values(key)[index]);
    if (value !== undefined) return value;
    throw this.wrong(key, kind?.expected ?? "no more values");
  }

  /** Returns the object of a key or of an element of a list. */
  child(...path: JSONPath): ConfigObject | undefined {
    const fields = this.#at(path);
    return isObject(fields)
      ? new ConfigObject(this.#place, [...this.#path, ...path], fields)
      : undefined;
  }

  /**
   * Returns the objects of a list; none if the key is absent.
   *
   * @throws {ConfigError} If the value is anything else.
   */
  children(key: string): ConfigObject[] {
    const list = this.#fields[key] ?? [];
    if (!Array.isArray(list) || !list.every(isObject)) {
      throw this.wrong(key, LIST_EXPECTED);
    }
    return list.map((_, i) => this.child(key, i)!);
  }

  /** Returns the error for a key with an invalid value. */
  wrong(key: string, expected: string): ConfigError {
    return this.#wrong([key], expected);
  }

  /**
   * Returns one warning for each key that is not in `known`. Keys that people
   * use as comments, because JSON has none, are accepted: `_comment`, `//`.
   *
   * @throws {ConfigError} If a key is probably a misspelt known key: ignoring
   * it could start a service with a setting that the operator did not choose.
   */
  unknownKeys(known: ReadonlySet<string>): string[] {
    return this.keys().filter((key) => !known.has(key) && !isComment(key))
      .map((key) => {
        const meant = nearest(key, known);
        if (meant !== undefined && editDistance(key, meant) <= SLIP) {
          throw badValue(
            `${this.where(key)} is unknown; did you mean "${meant}"? ` +
              `Correct the key, or rename it to "_${key}" to make it a comment`,
          );
        }
        return `${this.where(key)} is unknown and ignored` +
          (meant === undefined ? "" : `; did you mean "${meant}"?`);
      });
  }

  #at(below: JSONPath): unknown {
    return below.reduce<unknown>(
      (value, part) => (value as Fields | undefined)?.[part],
      this.#fields,
    );
  }

  #wrong(below: JSONPath, expected: string): ConfigError {
    const value = this.#at(below);
    const shown = value === undefined
      ? "is missing"
      : [...this.#path, ...below].some((part) => SECRET_KEYS.has(part)) ||
          NAME_KEYS.has(below[0]) && String(value).includes(":")
      ? "has a wrong value"
      : `is ${show(value)}`;
    return badValue(`${this.where(...below)} ${shown}, expected ${expected}`);
  }
}

/** A configuration file after parsing. */
export interface NamedConfig {
  /** The content of the file. */
  readonly object: ConfigObject;
  /** The path of the file. */
  readonly name: string;
  /** The path of the file of its users; not set if there is no such file. */
  readonly usersName?: string | undefined;
}

/** A JSON object. */
type Fields = Readonly<Record<string, unknown>>;

/**
 * Parses a configuration file.
 *
 * @param text Content of the file.
 * @param name Name of the file, for messages.
 * @throws {ConfigError} `ERR_CONFIG_SYNTAX` with line and column.
 */
export function parseConfig(text: string, name: string): ConfigObject {
  const { value, places } = readConfigText(text, name);
  const fields = isMudb(value) ? { [MUDB_KEY]: value } : value;
  if (!isObject(fields)) {
    throw places.wrong(places.start, 'expected an object: { "server": ... }');
  }
  return new ConfigObject(
    (path) => places.at(path[0] === MUDB_KEY ? path.slice(1) : path),
    [],
    fields,
  );
}

/** @param isSecret True if every string inside is secret. */
function holdsSecret(value: unknown, isSecret = false): boolean {
  if (typeof value === "string") {
    return isSecret && value !== "" && !/^\$\{[^{}]+\}$/.test(value);
  }
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(value)
    .some(([key, one]) => holdsSecret(one, isSecret || SECRET_KEYS.has(key)));
}

/** True if a document is a list of users of ShadowsocksR. */
function isMudb(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0 &&
    value.every((one) => isObject(one) && "passwd" in one);
}

/** `["servers", 0, "port"]` → `servers[0].port`; in `mudb.json`, `[0].port`. */
function describePath(path: JSONPath): string {
  return (path[0] === MUDB_KEY ? path.slice(1) : path).map((part, i) =>
    typeof part === "number" ? `[${part}]` : i === 0 ? part : `.${part}`
  ).join("");
}

function show(value: unknown): string {
  if (typeof value === "object") {
    return Array.isArray(value) ? "a list" : "an object";
  }
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}...` : text;
}
