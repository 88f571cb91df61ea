/**
 * The part of YAML that lists of proxies use: a list of flat maps under one key
 * at the top, in block or in flow style, and scalars in all three quoting
 * styles. JSON is a subset of it.
 *
 * Does not: read anchors, tags, or text of several lines. The key of a nested
 * value is kept, the value is dropped.
 *
 * @module
 */

/** A flat map; a key with a nested value has empty text. */
export type FlatMap = ReadonlyMap<string, string>;

/** Maximum nesting of flow style. */
const MAX_DEPTH = 16;

/**
 * Reads the maps of the list under a key at the top.
 *
 * @returns `undefined` if there is no such key.
 * @throws {SyntaxError} If the text cannot be read; the message contains no
 * part of it.
 */
export function readMaps(text: string, key: string): FlatMap[] | undefined {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const start = lines.findIndex((line) => startsKey(line, key));
  if (start < 0) return undefined;
  const rest = lines[start]!.slice(lines[start]!.indexOf(":") + 1).trim();
  if (rest !== "" && !rest.startsWith("#")) {
    return new Flow([rest, ...lines.slice(start + 1)].join("\n")).maps();
  }
  return readBlock(lines.slice(start + 1));
}

function startsKey(line: string, key: string): boolean {
  return line.replaceAll('"', "").startsWith(`${key}:`);
}

function readBlock(lines: readonly string[]): FlatMap[] {
  const maps: Map<string, string>[] = [];
  /** Columns of the dashes, and of the keys after them. */
  let dash = -1;
  let column = -1;
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i]!;
    if (/^\s*(?:#.*)?$/.test(line)) continue;
    const indent = line.search(/\S/);
    const item = /^(\s*)-(\s+)(\S.*)$/.exec(line);
    if (item !== null && (dash < 0 || indent === dash)) {
      dash = indent;
      const content = item[3]!;
      if (content.startsWith("{")) {
        const flow = new Flow([content, ...lines.slice(i + 1)].join("\n"));
        maps.push(flow.map());
        i += flow.linesRead - 1;
        column = -1;
        continue;
      }
      column = indent + 1 + item[2]!.length;
      const map = new Map<string, string>();
      addPair(content, map);
      maps.push(map);
    } else if (indent === 0) break;
    else if (indent === column) addPair(line.trim(), maps.at(-1)!);
    else if (column < 0 || indent < column) throw unreadable();
  }
  return maps;
}

function addPair(text: string, map: Map<string, string>): void {
  const flow = new Flow(text);
  const key = flow.scalar(":");
  flow.expect(":");
  map.set(key, flow.isAtEnd ? "" : flow.value("", 0));
}

/** Reads flow style from the front of a text. */
class Flow {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Number of lines that were started. */
  get linesRead(): number {
    return this.#text.slice(0, this.#at).split("\n").length;
  }

  /** True if only white space or a comment is left. */
  get isAtEnd(): boolean {
    return /^\s*(?:#.*)?$/.test(this.#text.slice(this.#at));
  }

  /** Reads a list of maps. */
  maps(): FlatMap[] {
    this.expect("[");
    const maps: FlatMap[] = [];
    while (!this.#takes("]")) {
      maps.push(this.map());
      if (!this.#takes(",")) {
        this.expect("]");
        break;
      }
    }
    return maps;
  }

  /** Reads a flat map. */
  map(depth = 0): Map<string, string> {
    this.expect("{");
    const map = new Map<string, string>();
    while (!this.#takes("}")) {
      const key = this.scalar(":,}");
      this.expect(":");
      map.set(key, this.value(",}", depth));
      if (!this.#takes(",")) {
        this.expect("}");
        break;
      }
    }
    return map;
  }

  /**
   * Reads a value; a nested value returns empty text.
   *
   * @param ends Characters that end a plain scalar; if empty, the scalar ends
   * with the line.
   */
  value(ends: string, depth: number): string {
    if (depth > MAX_DEPTH) throw unreadable();
    const next = this.#peek();
    if (next === "{") {
      this.map(depth + 1);
      return "";
    }
    if (next !== "[") return this.scalar(ends);
    this.expect("[");
    while (!this.#takes("]")) {
      this.value(",]", depth + 1);
      if (!this.#takes(",")) {
        this.expect("]");
        break;
      }
    }
    return "";
  }

  /** Reads text in one of the three quoting styles. */
  scalar(ends: string): string {
    const quote = this.#peek();
    if (quote === '"') return this.#doubleQuoted();
    if (quote === "'") return this.#singleQuoted();
    let end = this.#at;
    const text = this.#text;
    for (; end < text.length; end++) {
      const char = text[end]!;
      if (char === "\n") break;
      if (char === "#" && /\s/.test(text[end - 1] ?? " ")) break;
      // A colon within text is part of it, as in IPv6 addresses.
      const isText = char === ":" && /\S/.test(text[end + 1] ?? "");
      if (isText) continue;
      if (ends.includes(char)) break;
      // This colon would start a second value, so the line is not valid.
      if (char === ":") throw unreadable();
    }
    const scalar = text.slice(this.#at, end).trim();
    this.#at = end;
    return /^(?:~|null)$/i.test(scalar) ? "" : scalar;
  }

  /**
   * Skips a character.
   *
   * @throws {SyntaxError} If another character is next.
   */
  expect(char: string): void {
    if (!this.#takes(char)) throw unreadable();
  }

  #takes(char: string): boolean {
    if (this.#peek() !== char) return false;
    this.#at++;
    return true;
  }

  /** Returns the next character after white space and comments. */
  #peek(): string | undefined {
    const rest = /\s*(?:(?<=\s)#.*\s*)*/y;
    rest.lastIndex = this.#at;
    rest.exec(this.#text);
    this.#at = Math.max(this.#at, rest.lastIndex);
    return this.#text[this.#at];
  }

  #doubleQuoted(): string {
    const quoted = /"(?:[^"\\]|\\.)*"/sy;
    quoted.lastIndex = this.#at;
    const found = quoted.exec(this.#text)?.[0];
    if (found === undefined) throw unreadable();
    this.#at += found.length;
    try {
      // YAML has the escapes of JSON, and \xHH.
      return JSON.parse(
        found.replace(
          /\\(?:x([\da-f]{2})|.)/gis,
          (escape, hex) => hex === undefined ? escape : `\\u00${hex}`,
        ),
      );
    } catch {
      throw unreadable();
    }
  }

  #singleQuoted(): string {
    const quoted = /'(?:[^']|'')*'/y;
    quoted.lastIndex = this.#at;
    const found = quoted.exec(this.#text)?.[0];
    if (found === undefined) throw unreadable();
    this.#at += found.length;
    return found.slice(1, -1).replaceAll("''", "'");
  }
}

function unreadable(): SyntaxError {
  return new SyntaxError("Not a list of maps in a supported form of YAML");
}
