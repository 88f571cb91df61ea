/**
 * Host names, exact or as suffixes, in one flat hash table. An entry takes its
 * text and about 20 bytes, without an object.
 *
 * Names are hashed from their last character to the first, so that one pass
 * over a name computes the hashes of all its suffixes.
 *
 * @module
 */
import { listError } from "../list_error.ts";
import { MAX_NAME_LENGTH, MAX_NAME_PROBES } from "../../limits.ts";
import { GrowingText, GrowingWords } from "./growing.ts";

/**
 * What an entry covers: the name itself, the name and all names below it, or
 * only names below it.
 */
export type NameKind = "exact" | "suffix" | "below";

/** One entry of a table. */
export interface NameEntry {
  /** The name in lower case, ASCII. */
  readonly name: string;
  /** The covered names: this one, those below it, or both. */
  readonly kind: NameKind;
  /** The line in the file, from 1; 0 for files without lines. */
  readonly line: number;
}

const KINDS: readonly NameKind[] = ["exact", "suffix", "below"];
const DOT = 0x2e;
/** A slot contains a 20-bit index of an entry and 12 bits of its hash. */
const INDEX_BITS = 20;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
const FNV_BASIS = 0x811c9dc5 | 0;
const FNV_PRIME = 0x01000193;

/** Collects the entries of a {@link NameTable}. */
export class NameTableBuilder {
  readonly #text = new GrowingText();
  /** The offset of each entry's text, with its kind in the upper bits. */
  readonly #starts = new GrowingWords();
  readonly #lines = new GrowingWords();

  /** The number of entries. */
  get count(): number {
    return this.#starts.length;
  }

  /**
   * Adds an entry.
   *
   * @param name ASCII, in lower case, 1 to 253 bytes.
   */
  add(kind: NameKind, name: string, line: number): void {
    this.#starts.push(KINDS.indexOf(kind) * KIND_UNIT + this.#text.length);
    this.#lines.push(line);
    this.#text.push(name);
  }

  /**
   * Returns the finished table.
   *
   * @throws {ConfigError} `ERR_ROUTE_LIST` if names were chosen to collide.
   */
  build(): NameTable {
    return new NameTable(
      this.#text.toArray(),
      this.#starts.toArray(),
      this.#lines.toArray(),
    );
  }
}

/** The most bytes of text in a table: an offset has 30 bits. */
const KIND_UNIT = 2 ** 30;
const START_MASK = KIND_UNIT - 1;

/** The finished table. */
export class NameTable {
  readonly #text: Uint8Array;
  readonly #starts: Uint32Array;
  readonly #lines: Uint32Array;
  readonly #slots: Uint32Array;
  readonly #mask: number;
  /** The numbers of labels that occur in names, as bits. */
  #depths = 0;

  /** Do not call directly: use {@link NameTableBuilder}. */
  constructor(text: Uint8Array, starts: Uint32Array, lines: Uint32Array) {
    this.#text = text;
    this.#starts = starts;
    this.#lines = lines;
    let size = 16;
    while (size < 2 * starts.length) size *= 2;
    this.#slots = new Uint32Array(size);
    this.#mask = size - 1;
    for (let i = 0; i < starts.length; i++) this.#insert(i);
  }

  /** The number of entries, including duplicates. */
  get count(): number {
    return this.#starts.length;
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return this.#text.length + 4 * this.#slots.length +
      8 * this.#starts.length;
  }

  /**
   * Finds an entry that covers a name.
   *
   * @param name ASCII in either case, without a dot at its end.
   * @returns The index of the entry with the shortest suffix, or -1.
   */
  find(name: string): number {
    if (name.length > MAX_NAME_LENGTH) return -1;
    const depths = this.#depths;
    let depth = 1;
    let hash = FNV_BASIS;
    for (let i = name.length - 1; i >= 0; i--) {
      const code = name.charCodeAt(i);
      if (code === DOT) {
        if (depths & depthBit(depth++)) {
          const found = this.#probe(name, i + 1, hash);
          if (found >= 0) return found;
        }
      }
      hash = Math.imul(hash ^ lower(code), FNV_PRIME);
    }
    return depths & depthBit(depth) ? this.#probe(name, 0, hash) : -1;
  }

  /** Returns an entry by its index. */
  entry(index: number): NameEntry {
    const start = this.#starts[index]! & START_MASK;
    let name = "";
    for (let i = start; i < this.#end(index); i++) {
      name += String.fromCharCode(this.#text[i]!);
    }
    return { name, kind: this.#kind(index), line: this.#lines[index]! };
  }

  /** Yields every entry, in the order of the list. */
  *entries(): Generator<NameEntry> {
    for (let i = 0; i < this.count; i++) yield this.entry(i);
  }

  #kind(index: number): NameKind {
    return KINDS[this.#starts[index]! >>> 30]!;
  }

  #end(index: number): number {
    return index + 1 < this.#starts.length
      ? this.#starts[index + 1]! & START_MASK
      : this.#text.length;
  }

  #insert(index: number): void {
    const start = this.#starts[index]! & START_MASK;
    let hash = FNV_BASIS;
    let depth = 1;
    for (let i = this.#end(index) - 1; i >= start; i--) {
      const code = this.#text[i]!;
      if (code === DOT) depth++;
      hash = Math.imul(hash ^ code, FNV_PRIME);
    }
    this.#depths |= depthBit(depth);
    let slot = spread(hash) & this.#mask;
    for (let probes = 0; this.#slots[slot] !== 0; probes++) {
      if (probes === MAX_NAME_PROBES) {
        throw listError(
          "its names were chosen to collide, which would slow down look-ups",
        );
      }
      if (this.#isSame(this.#slots[slot]!, index, hash)) return;
      slot = (slot + 1) & this.#mask;
    }
    this.#slots[slot] = tagOf(hash) | (index + 1);
  }

  /** True if the entry in a slot equals another entry. */
  #isSame(word: number, index: number, hash: number): boolean {
    if ((word & ~INDEX_MASK) !== tagOf(hash)) return false;
    const other = (word & INDEX_MASK) - 1;
    if (this.#starts[other]! >>> 30 !== this.#starts[index]! >>> 30) {
      return false;
    }
    let a = this.#starts[other]! & START_MASK;
    let b = this.#starts[index]! & START_MASK;
    const end = this.#end(index);
    if (this.#end(other) - a !== end - b) return false;
    while (b < end) if (this.#text[a++] !== this.#text[b++]) return false;
    return true;
  }

  /** Returns the entry that covers a name by its part from `from` on. */
  #probe(name: string, from: number, hash: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    const tag = tagOf(hash);
    let slot = spread(hash) & mask;
    for (let word; (word = slots[slot]! | 0) !== 0;) {
      if (((word ^ tag) & ~INDEX_MASK) === 0) {
        const index = (word & INDEX_MASK) - 1;
        if (this.#holds(index, name, from)) return index;
      }
      slot = (slot + 1) & mask;
    }
    return -1;
  }

  #holds(index: number, name: string, from: number): boolean {
    const start = this.#starts[index]!;
    const kind = start >>> 30;
    // Kind 0 is exact, 2 is below.
    if (from > 0 ? kind === 0 : kind === 2) return false;
    let at = start & START_MASK;
    if (this.#end(index) - at !== name.length - from) return false;
    const text = this.#text;
    for (let i = from; i < name.length; i++) {
      if (text[at++] !== lower(name.charCodeAt(i))) return false;
    }
    return true;
  }
}

/** The bit for a number of labels; numbers from 32 on share bits. */
function depthBit(labels: number): number {
  return 1 << (labels & 31);
}

function lower(code: number): number {
  return code >= 0x41 && code <= 0x5a ? code | 0x20 : code;
}

/** The lowest bits of FNV depend on few characters. */
function spread(hash: number): number {
  return hash ^ (hash >>> 15);
}

function tagOf(hash: number): number {
  return hash & ~INDEX_MASK;
}
