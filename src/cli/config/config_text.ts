/**
 * The text of a configuration file as one JSON value, and where its parts
 * stand. A file may have a hundred thousand users: strict JSON is left to the
 * runtime, and places are looked for when a message needs them.
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
import { parseStrictJson } from "./strict_json.ts";

/** What a file says. */
export interface ConfigText {
  /** Without the keys that are `null`, at every depth. */
  readonly value: unknown;
  /** For messages. */
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
    // Every level is a call.
    throw places.wrong(0, "lists or objects in more levels than can be read");
  }
}

/** Finds the parts of a text, and says where they are. */
export class Places {
  /** The offsets of the values at the top, by key; not set: unknown. */
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

  /** Offset of the value as a whole. */
  get start(): number {
    return Math.max(0, this.#source.search(/\S/));
  }

  /** `file:line:column` of a part; of one that is missing, of its object. */
  at(path: JSONPath): string {
    return this.#describe(this.#offset(path));
  }

  /** The error of a value at an offset. */
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
    // Every start asks for keys of the top, and a tree would take a second.
    if (this.top !== undefined && below.length === 0) {
      return this.top.get(String(key)) ?? this.start;
    }
    this.#tree ??= parseTree(this.#source, [], { allowTrailingComma: true })!;
    return offsetIn(this.#tree, path);
  }
}

/** The offset of a value; for one that is missing, of its object. */
function offsetIn(tree: Node, path: JSONPath): number {
  return findNodeAtLocation(tree, path)?.offset ??
    offsetIn(tree, path.slice(0, -1));
}

/**
 * The value of a text that all readers of JSON take alike.
 *
 * @returns `undefined` for a text with comments, mistakes, a key that is there
 * twice, or text that is not well formed.
 */
function readStrict(source: string, places: Places): unknown {
  if (/\\u[dD][89a-fA-F]/.test(source)) return undefined;
  const value = parseStrictJson(source);
  if (typeof value !== "object" || value === null) return undefined;
  const { count, top } = findKeys(source);
  // Of two keys of one name only the last is there.
  if (removeNulls(value) !== count) return undefined;
  places.top = top;
  return value;
}

const QUOTE = 0x22;
const COLON = 0x3a;
const BACKSLASH = 0x5c;

/**
 * Counts the keys of strict JSON, and finds those of the top.
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

/** What brackets do to the depth. */
const DEPTHS: ReadonlyMap<number, number> = new Map([
  [0x5b, 1],
  [0x7b, 1],
  [0x5d, -1],
  [0x7d, -1],
]);

/** @returns How many keys there were, with those that were `null`. */
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

/** The value of any other text. @throws {ConfigError} With its place. */
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
      `${twice.value} is there twice: leave one`,
    );
  }
  const half = illFormed(tree);
  if (half !== undefined) {
    throw places.wrong(
      half.offset,
      "text that is not well formed: \\ud800 to \\udfff stand in pairs",
    );
  }
  return withoutNulls(getNodeValue(tree));
}

/** The second of two keys of one name in one object. Comments may repeat. */
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

/** A text, or a key, that could not be written as UTF-8. */
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

/** True if people write this key because JSON has no comments. */
export function isComment(key: string): boolean {
  return /^[_/]/.test(key);
}

/** Where the lines of a text begin: a file has as many places as users. */
class LineStarts {
  readonly #starts: number[] = [0];

  constructor(text: string) {
    for (const end of text.matchAll(/\r\n|\r|\n/g)) {
      this.#starts.push(end.index + end[0].length);
    }
  }

  /** `line:column` of an offset, both from 1. */
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

/** `CommaExpected` → `comma expected`. */
function describeError({ error, offset }: ParseError, source: string): string {
  const what = printParseErrorCode(error).replace(/([a-z])([A-Z])/g, "$1 $2");
  // A single quote or a bare word: JSON5 has them.
  const json5 = /['A-Za-z_$]/.test(source[offset] ?? "");
  return `not valid JSON: ${what.toLowerCase()}` +
    (json5 ? "; JSON takes double quotes only" : "");
}

/**
 * Without the keys that are `null`, at every depth; and nothing of it keeps the
 * text of the file alive.
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
