/**
 * Parses regular expressions of rule lists into a tree.
 *
 * The syntax is what JavaScript, PCRE and Rust have in common, for host names:
 * ASCII, without regard to case. Not supported are look-ahead and look-behind,
 * back-references, word boundaries, and classes by Unicode property, because
 * they prevent matching in one pass or mean nothing in a name.
 *
 * @module
 */
import {
  MAX_PATTERN_DEPTH,
  MAX_PATTERN_LENGTH,
  MAX_PATTERN_REPEAT,
} from "../../limits.ts";

/** A set of ASCII characters, as 128 bits. */
export type CharacterSet = Uint32Array;

/** A part of a pattern. */
export type PatternNode =
  | { readonly kind: "one"; readonly set: CharacterSet }
  | { readonly kind: "start" | "end" }
  | { readonly kind: "sequence" | "choice"; readonly parts: PatternNode[] }
  | {
    readonly kind: "repeat";
    readonly part: PatternNode;
    readonly min: number;
    /** The highest number of repetitions; Infinity for no limit. */
    readonly max: number;
  };

/** The reason why a pattern is not used, as half a sentence. */
export class PatternError extends Error {}

/**
 * Parses a pattern.
 *
 * @throws {PatternError}
 */
export function parsePattern(source: string): PatternNode {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new PatternError(
      `it is longer than ${MAX_PATTERN_LENGTH} characters`,
    );
  }
  return new PatternReader(source).read();
}

/** Returns the pattern of a literal text anywhere in a name. */
export function literalPattern(text: string): PatternNode {
  const parts = [...text].map((character): PatternNode => ({
    kind: "one",
    set: setOf(character),
  }));
  return { kind: "sequence", parts };
}

/** Parses a pattern by recursive descent. */
class PatternReader {
  readonly #source: string;
  #at = 0;
  #depth = 0;

  constructor(source: string) {
    this.#source = source;
  }

  read(): PatternNode {
    const node = this.#choice();
    if (this.#at < this.#source.length) {
      throw new PatternError('it has a ")" without a "("');
    }
    return node;
  }

  #choice(): PatternNode {
    const parts = [this.#sequence()];
    while (this.#skip("|")) parts.push(this.#sequence());
    return parts.length === 1 ? parts[0]! : { kind: "choice", parts };
  }

  #sequence(): PatternNode {
    const parts: PatternNode[] = [];
    while (this.#at < this.#source.length && !this.#sees("|", ")")) {
      if (this.#skip("(?i)")) continue;
      parts.push(this.#repeated(this.#atom()));
    }
    return { kind: "sequence", parts };
  }

  #repeated(part: PatternNode): PatternNode {
    const count = this.#count();
    if (count === undefined) return part;
    // Laziness does not change if a name matches.
    this.#skip("?");
    if (this.#sees("+", "*", "?") || this.#peekCount() !== undefined) {
      throw new PatternError("it repeats a repetition");
    }
    if (
      Math.max(count.min, count.max === Infinity ? 0 : count.max) >
        MAX_PATTERN_REPEAT
    ) {
      throw new PatternError(
        `it repeats more than ${MAX_PATTERN_REPEAT} times`,
      );
    }
    if (count.min > count.max) {
      throw new PatternError(
        "it has a repetition with its bounds out of order",
      );
    }
    return { kind: "repeat", part, ...count };
  }

  #count(): { min: number; max: number } | undefined {
    if (this.#skip("*")) return { min: 0, max: Infinity };
    if (this.#skip("+")) return { min: 1, max: Infinity };
    if (this.#skip("?")) return { min: 0, max: 1 };
    const braces = this.#peekCount();
    if (braces === undefined) return undefined;
    this.#at += braces[0].length;
    const [, min, comma, max] = braces;
    return {
      min: Number(min),
      max: comma === undefined ? Number(min) : max ? Number(max) : Infinity,
    };
  }

  /** Matches `{2}`, `{2,}` or `{2,3}`; any other brace is a literal. */
  #peekCount(): RegExpExecArray | undefined {
    if (!this.#sees("{")) return undefined;
    COUNT.lastIndex = this.#at;
    return COUNT.exec(this.#source) ?? undefined;
  }

  #atom(): PatternNode {
    const character = this.#take();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return { kind: "one", set: this.#class() };
      case "\\":
        return this.#escape();
      case "^":
        return { kind: "start" };
      case "$":
        return { kind: "end" };
      case ".":
        return { kind: "one", set: inverted(new Uint32Array(4)) };
      case "*":
      case "+":
      case "?":
        throw new PatternError(`it has a "${character}" that repeats nothing`);
      default:
        return { kind: "one", set: setOf(character) };
    }
  }

  #group(): PatternNode {
    if (this.#skip("?")) {
      const name = /^(?:P?<[A-Za-z_]\w*>|i?:)/.exec(
        this.#source.slice(this.#at, this.#at + MAX_PATTERN_LENGTH),
      );
      if (name === null) {
        throw new PatternError(
          "it looks ahead or behind, or has an unknown kind of group",
        );
      }
      this.#at += name[0].length;
    }
    if (++this.#depth > MAX_PATTERN_DEPTH) {
      throw new PatternError(
        `its groups are nested more than ${MAX_PATTERN_DEPTH} deep`,
      );
    }
    const node = this.#choice();
    this.#depth--;
    if (!this.#skip(")")) throw new PatternError('it has a "(" without a ")"');
    return node;
  }

  #escape(): PatternNode {
    if (this.#skip("A")) return { kind: "start" };
    if (this.#skip("z") || this.#skip("Z")) return { kind: "end" };
    return { kind: "one", set: this.#escapedSet() };
  }

  /** Parses the characters after a backslash, inside or outside a class. */
  #escapedSet(): CharacterSet {
    const character = this.#take();
    const named = NAMED[character.toLowerCase()];
    if (named !== undefined) {
      return character === character.toLowerCase() ? named : inverted(named);
    }
    if (character === "x") return setOf(this.#hex(2));
    if (character === "u") return setOf(this.#hex(4));
    if (/[1-9]/.test(character)) {
      throw new PatternError("it refers back to a group");
    }
    if (character in CONTROLS) return setOf(CONTROLS[character]!);
    if (/[a-zA-Z0]/.test(character)) {
      throw new PatternError(`it has \\${character}, which is unknown`);
    }
    return setOf(character);
  }

  #hex(digits: number): string {
    const text = this.#source.slice(this.#at, this.#at + digits);
    if (!/^[0-9a-fA-F]+$/.test(text) || text.length < digits) {
      throw new PatternError("it has an escape without a hexadecimal number");
    }
    this.#at += digits;
    return String.fromCharCode(parseInt(text, 16));
  }

  #class(): CharacterSet {
    const isInverted = this.#skip("^");
    const set = new Uint32Array(4);
    for (let isFirst = true; isFirst || !this.#sees("]"); isFirst = false) {
      // JavaScript allows empty classes, where others read the "]" as a
      // character.
      if (isFirst && this.#sees("]")) {
        throw new PatternError("it has a class that is empty or begins with ]");
      }
      if (this.#sees("[:", "&&", "--", "~~", "[")) {
        throw new PatternError("it has a class inside another one");
      }
      const low = this.#classAtom();
      if (!this.#sees("-") || this.#sees("-]")) {
        addAll(set, low.set);
        continue;
      }
      this.#take();
      const high = this.#classAtom();
      if (
        low.character === undefined || high.character === undefined ||
        low.character > high.character
      ) {
        throw new PatternError("it has a range that is out of order");
      }
      addRange(set, low.character, high.character);
    }
    this.#take();
    return isInverted ? inverted(set) : set;
  }

  #classAtom(): { set: CharacterSet; character?: string } {
    const character = this.#take();
    if (character !== "\\") return { set: setOf(character), character };
    const escaped = this.#source[this.#at];
    const set = this.#escapedSet();
    const isOne = escaped !== undefined && !/[a-zA-Z0-9]/.test(escaped);
    return isOne ? { set, character: escaped } : { set };
  }

  #take(): string {
    const character = this.#source[this.#at++];
    if (character === undefined) throw new PatternError("it is incomplete");
    return character;
  }

  #sees(...texts: string[]): boolean {
    return texts.some((text) => this.#source.startsWith(text, this.#at));
  }

  #skip(text: string): boolean {
    if (!this.#sees(text)) return false;
    this.#at += text.length;
    return true;
  }
}

const COUNT = /\{(\d{1,4})(,(\d{1,4})?)?\}/y;

/** No name contains any of them. */
const CONTROLS: Readonly<Record<string, string>> = {
  t: "\t",
  n: "\n",
  r: "\r",
  f: "\f",
  v: "\v",
};

const NAMED: Readonly<Record<string, CharacterSet>> = {
  d: rangesOf("09"),
  w: rangesOf("09", "az", "AZ", "__"),
  s: rangesOf("  ", "\t\r"),
};

/** Returns the set of one character in both cases. */
function setOf(character: string): CharacterSet {
  const set = new Uint32Array(4);
  addRange(set, character, character);
  return set;
}

function rangesOf(...ranges: string[]): CharacterSet {
  const set = new Uint32Array(4);
  for (const range of ranges) addRange(set, range[0]!, range[1]!);
  return set;
}

function addRange(set: CharacterSet, low: string, high: string): void {
  const last = high.charCodeAt(0);
  if (last > 0x7f) {
    throw new PatternError(
      "it has letters outside ASCII, which names do not have",
    );
  }
  for (let code = low.charCodeAt(0); code <= last; code++) {
    addCode(set, code);
    const letter = String.fromCharCode(code);
    addCode(set, letter.toLowerCase().charCodeAt(0));
    addCode(set, letter.toUpperCase().charCodeAt(0));
  }
}

function addCode(set: CharacterSet, code: number): void {
  set[code >>> 5]! |= 1 << (code & 31);
}

function addAll(set: CharacterSet, more: CharacterSet): void {
  for (let i = 0; i < 4; i++) set[i]! |= more[i]!;
}

function inverted(set: CharacterSet): CharacterSet {
  return set.map((word) => ~word);
}
