/**
 * Parses the text of a configuration file into one JSON value, and finds the
 * places of its parts. A file may have 100,000 users: `JSON.parse()` reads
 * strict JSON, and places are computed only for messages.
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
import { ConfigError } from "../../errors.ts";
import { ownText } from "../../text.ts";
import { parseStrictJson } from "../../codec/json.ts";

/** The parsed text of a file. */
export interface ConfigText {
  /** The value without the keys that are `null`, at every depth. */
  readonly value: unknown;
  /** The places of the parts, for messages. */
  readonly places: Places;
}

/**
 * Reads a file.
 *
 * @param name Name of the file, for messages.
 * @throws {ConfigError} `ERR_CONFIG_SYNTAX` with line and column.
 */
export function readConfigText(text: string, name: string): ConfigText {
  const source = text.replace(/^\uFEFF/, "");
  const places = new Places(source, name);
  try {
    const value = readStrict(source, places) ?? readTree(source, places);
    return { value, places };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser recurses once for each level.
    throw places.wrong(0, "lists or objects are nested too deeply");
  }
}

/** Finds the parts of a text and their places. */
export class Places {
  /**
   * The offsets of the values at the top, by key; not set if they are unknown.
   */
  top: ReadonlyMap<string, number> | undefined;
  readonly #source: string;
  readonly #name: string;
  #lines: LineStarts | undefined;
  #tree: Node | undefined;

  /** @param name Name of the file. */
  constructor(source: string, name: string) {
    this.#source = source;
    this.#name = name;
  }

  /** The offset of the whole value. */
  get start(): number {
    return Math.max(0, this.#source.search(/\S/));
  }

  /**
   * Returns `file:line:column` of a part, or of its object if the part is
   * missing.
   */
  at(path: JSONPath): string {
    return this.#describe(this.#offset(path));
  }

  /** Returns an error with the place of an offset. */
  wrong(offset: number, what: string): ConfigError {
    const place = this.#describe(offset);
    return new ConfigError("ERR_CONFIG_SYNTAX", `${place}: ${what}`);
  }

  #describe(offset: number): string {
    this.#lines ??= new LineStarts(this.#source);
    return `${this.#name}:${this.#lines.at(offset)}`;
  }

  #offset(path: JSONPath): number {
    const [key, ...below] = path;
    // Every start needs the places of top-level keys; parsing the whole text
    // again would take a second for a large file.
    if (this.top !== undefined && below.length === 0) {
      return this.top.get(String(key)) ?? this.start;
    }
    this.#tree ??= parseTree(this.#source, [], { allowTrailingComma: true })!;
    return offsetIn(this.#tree, path);
  }
}

/** Returns the offset of a value, or of its object if the value is missing. */
function offsetIn(tree: Node, path: JSONPath): number {
  return findNodeAtLocation(tree, path)?.offset ??
    offsetIn(tree, path.slice(0, -1));
}

/**
 * Reads a text that every JSON parser reads the same way.
 *
 * @returns `undefined` for a text with comments, mistakes, a repeated key, or a
 * string that is not well formed.
 */
function readStrict(source: string, places: Places): unknown {
  if (/\\u[dD][89a-fA-F]/.test(source)) return undefined;
  const value = parseStrictJson(source);
  if (typeof value !== "object" || value === null) return undefined;
  const { count, top } = findKeys(source);
  // Of two keys with one name, `JSON.parse()` keeps the last.
  if (removeNulls(value) !== count) return undefined;
  places.top = top;
  return value;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * Counts the keys of strict JSON, and finds the offsets of the keys at the top.
 *
 * Time: linear in the text.
 */
function findKeys(
  source: string,
): { readonly count: number; readonly top: ReadonlyMap<string, number> } {
  const top = new Map<string, number>();
  let count = 0;
  let depth = 0;
  let text = 0;
  for (let i = 0; i < source.length; i++) {
    const code = source.charCodeAt(i);
    if (code === QUOTE) {
      text = i;
      while (source.charCodeAt(++i) !== QUOTE) {
        if (source.charCodeAt(i) === BACKSLASH) i++;
      }
    } else if (code === COLON) {
      count++;
      if (depth > 1) continue;
      const key = source.slice(text, source.lastIndexOf('"', i) + 1);
      const value = /\S/g;
      value.lastIndex = i + 1;
      top.set(JSON.parse(key), value.exec(source)!.index);
    } else depth += DEPTHS.get(code) ?? 0;
  }
  return { count, top };
}

/** The change of depth at each bracket. */
const DEPTHS: ReadonlyMap<number, number> = new Map([
  [0x5b, 1],
  [0x7b, 1],
  [0x5d, -1],
  [0x7d, -1],
]);

/** @returns The number of keys, with those that were `null`. */
function removeNulls(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  let count = 0;
  if (Array.isArray(value)) {
    for (const one of value) count += removeNulls(one);
    return count;
  }
  const fields = value as Record<string, unknown>;
  for (const key in fields) {
    count += 1 + removeNulls(fields[key]);
    if (fields[key] === null) delete fields[key];
  }
  return count;
}

/**
 * Reads any other text. @throws {ConfigError} With the place of the mistake.
 */
function readTree(source: string, places: Places): unknown {
  const errors: ParseError[] = [];
  const tree = parseTree(source, errors, { allowTrailingComma: true });
  const [first] = errors;
  if (source.trim() === "") {
    throw places.wrong(0, "not valid JSON: the file is empty");
  }
  if (first !== undefined) {
    throw places.wrong(first.offset, describeError(first, source));
  }
  if (tree === undefined) throw places.wrong(0, "not valid JSON: no value");
  const twice = repeatedKey(tree);
  if (twice !== undefined) {
    throw places.wrong(
      twice.offset,
      `${twice.value} is repeated: keep one`,
    );
  }
  const half = illFormed(tree);
  if (half !== undefined) {
    throw places.wrong(
      half.offset,
      "text that is not well formed: \\ud800 to \\udfff must be in pairs",
    );
  }
  return withoutNulls(getNodeValue(tree));
}

/**
 * Returns the second of two equal keys of one object. Comments may be repeated.
 */
function repeatedKey({ type, children = [] }: Node): Node | undefined {
  const seen = new Set<unknown>();
  for (const child of children) {
    const key = type === "object" ? child.children![0]! : undefined;
    if (key !== undefined && !isComment(key.value)) {
      if (seen.has(key.value)) return key;
      seen.add(key.value);
    }
    const below = repeatedKey(child);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** Returns a string or key that cannot be encoded as UTF-8. */
function illFormed(node: Node): Node | undefined {
  if (node.type === "string") {
    return (node.value as string).isWellFormed() ? undefined : node;
  }
  for (const child of node.children ?? []) {
    const below = illFormed(child);
    if (below !== undefined) return below;
  }
  return undefined;
}

/** True if people use this key as a comment, because JSON has none. */
export function isComment(key: string): boolean {
  return /^[_/]/.test(key);
}

/**
 * The offsets at which lines begin. A file has as many places as users, so that
 * each place must be found without a scan of the text.
 */
class LineStarts {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (const end of text.matchAll(/\r\n|\r|\n/g)) {
      this.#starts.push(end.index + end[0].length);
    }
  }

  /** Returns `line:column` of an offset, both from 1. */
  at(offset: number): string {
    let low = 0;
    let high = this.#starts.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= offset) low = middle;
      else high = middle;
    }
    return `${low + 1}:${offset - this.#starts[low]! + 1}`;
  }
}

/** Turns `CommaExpected` into `comma expected`. */
function describeError({ error, offset }: ParseError, source: string): string {
  const what = printParseErrorCode(error).replace(/([a-z])([A-Z])/g, "$1 $2");
  // JSON5 allows single quotes and bare words.
  const json5 = /['A-Za-z_$]/.test(source[offset] ?? "");
  return `not valid JSON: ${what.toLowerCase()}` +
    (json5 ? "; JSON takes double quotes only" : "");
}

/**
 * Returns a value without the keys that are `null`, at every depth. Its strings
 * are copies, so that the text of the file can be freed.
 */
function withoutNulls(value: unknown): unknown {
  if (typeof value === "string") return ownText(value);
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).filter(([, one]) => one !== null)
      .map(([key, one]) => [key, withoutNulls(one)]),
  );
}
