/**
 * The text of a configuration file → JSON values that know their place.
 * Comments and trailing commas are allowed, as in shadowsocks-rust.
 *
 * @module
 */
import {
  findNodeAtLocation,
  getNodeValue,
  type JSONPath,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { ConfigError } from "../errors.ts";
import { nearest } from "./nearest.ts";

/** Keys whose values no message may show. */
const SECRET_KEYS: ReadonlySet<string> = new Set(["password", "key"]);

/**
 * One object of a configuration file; reads its keys and complains with file,
 * line and column. `null` counts as absent.
 */
export class ConfigObject {
  readonly #place: (path: JSONPath) => string;
  readonly #path: JSONPath;
  readonly #fields: Readonly<Record<string, unknown>>;

  /** Called by {@link parseConfig} and by itself only. */
  constructor(
    place: (path: JSONPath) => string,
    path: JSONPath,
    fields: Readonly<Record<string, unknown>>,
  ) {
    this.#place = place;
    this.#path = path;
    this.#fields = fields;
  }

  /** The keys that are present. */
  keys(): string[] {
    return Object.keys(this.#fields).filter((key) =>
      this.#fields[key] !== null
    );
  }

  /** Where a key, or the object itself, stands: `file:line:column: key`. */
  where(key?: string): string {
    const path = key === undefined ? this.#path : [...this.#path, key];
    return `${this.#place(path)}: ${describePath(path)}`;
  }

  /**
   * The value of a key, read.
   *
   * @param read Returns `undefined` for what it does not accept.
   * @param expected What it accepts, for the message.
   * @throws {ConfigError} `ERR_CONFIG_VALUE`.
   */
  get<T>(
    key: string,
    read: (value: unknown) => T | undefined,
    expected: string,
  ): T | undefined {
    const value = this.#fields[key];
    if (value === undefined || value === null) return undefined;
    const result = read(value);
    if (result === undefined) throw this.wrong(key, expected);
    return result;
  }

  /** Text with at least one character. */
  text(key: string): string | undefined {
    return this.get(
      key,
      (value) => typeof value === "string" && value ? value : undefined,
      "text that is not empty",
    );
  }

  /** `true` or `false`. */
  flag(key: string): boolean | undefined {
    return this.get(
      key,
      (value) => typeof value === "boolean" ? value : undefined,
      "true or false",
    );
  }

  /** One object. */
  object(key: string): ConfigObject | undefined {
    const fields = this.get(key, asObject, "an object");
    return fields && this.#child([key], fields);
  }

  /** A list of objects; none where the key is absent. */
  objects(key: string): ConfigObject[] {
    const list = this.get(
      key,
      (value) =>
        Array.isArray(value) && value.every(asObject)
          ? value as Record<string, unknown>[]
          : undefined,
      "a list of objects",
    );
    return (list ?? []).map((fields, i) => this.#child([key, i], fields));
  }

  /** The error of a key whose value is not what was expected. */
  wrong(key: string, expected: string): ConfigError {
    const value = this.#fields[key];
    const shown = value === undefined
      ? "is missing"
      : SECRET_KEYS.has(key)
      ? "has a wrong value"
      : `is ${show(value)}`;
    return new ConfigError(
      "ERR_CONFIG_VALUE",
      `${this.where(key)} ${shown}, expected ${expected}`,
    );
  }

  /** One warning for each key that is not in `known`. */
  unknownKeys(known: ReadonlySet<string>): string[] {
    // JSON has no comments; "_comment" and "//" are how people write them.
    return this.keys().filter((key) => !known.has(key) && !/^[_/]/.test(key))
      .map((key) => {
        const meant = nearest(key, known);
        return `${this.where(key)} is not known and ignored` +
          (meant === undefined ? "" : `; did you mean "${meant}"?`);
      });
  }

  #child(path: JSONPath, fields: Record<string, unknown>): ConfigObject {
    return new ConfigObject(this.#place, [...this.#path, ...path], fields);
  }
}

/**
 * Parses a configuration file.
 *
 * @param text Content of the file.
 * @param name Name of the file, for messages.
 * @throws {ConfigError} `ERR_CONFIG_SYNTAX` with line and column.
 */
export function parseConfig(text: string, name: string): ConfigObject {
  const source = text.replace(/^\uFEFF/, "");
  const errors: ParseError[] = [];
  const tree = parseTree(source, errors, { allowTrailingComma: true });
  const [first] = errors;
  const place = (offset: number): string =>
    `${name}:${position(source, offset)}`;
  if (first !== undefined || tree === undefined) {
    throw new ConfigError(
      "ERR_CONFIG_SYNTAX",
      `${place(first?.offset ?? 0)}: not valid JSON: ${
        first === undefined ? "the file is empty" : describeError(first)
      }`,
    );
  }
  const fields = asObject(getNodeValue(tree));
  if (fields === undefined) {
    throw new ConfigError(
      "ERR_CONFIG_SYNTAX",
      `${place(tree.offset)}: expected an object: { "server": ... }`,
    );
  }
  return new ConfigObject(
    (path) => place(offsetOf(tree, path)),
    [],
    fields,
  );
}

/** Where a value stands; for one that is missing, its object. */
function offsetOf(tree: Node, path: JSONPath): number {
  return findNodeAtLocation(tree, path)?.offset ??
    offsetOf(tree, path.slice(0, -1));
}

function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split(/\r\n|\r|\n/);
  return `${before.length}:${before.at(-1)!.length + 1}`;
}

/** `CommaExpected` → `comma expected`. */
function describeError({ error }: ParseError): string {
  return printParseErrorCode(error).replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase();
}

function asObject(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : undefined;
}

/** `["servers", 0, "port"]` → `servers[0].port`. */
function describePath(path: JSONPath): string {
  return path.map((part, i) =>
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
