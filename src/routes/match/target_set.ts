/**
 * The names, keywords, patterns and addresses of one list. A target is in the
 * set if one of them matches.
 *
 * @module
 */
import { formatIp, parseIp, unmapIpv4 } from "../../codec/ip_address.ts";
import { MAX_LIST_ENTRIES } from "../../limits.ts";
import { listError } from "../list_error.ts";
import type { ListNotes } from "../list_notes.ts";
import { asciiName } from "../names.ts";
import type { RouteHit } from "../question.ts";
import {
  type AddressRange,
  type AddressRanges,
  AddressRangesBuilder,
} from "./address_ranges.ts";
import { nameOfPattern } from "./name_pattern.ts";
import {
  type NameEntry,
  type NameKind,
  type NameTable,
  NameTableBuilder,
} from "./name_table.ts";
import { type PatternSet, PatternSetBuilder } from "./pattern_set.ts";
import {
  literalPattern,
  parsePattern,
  PatternError,
  type PatternNode,
} from "./pattern_syntax.ts";

/** The numbers of each kind of entry in a set. */
export interface TargetCounts {
  /** Names that match only themselves. */
  readonly exact: number;
  /** Names that match names below them. */
  readonly suffix: number;
  /** Texts that match anywhere in a name. */
  readonly keyword: number;
  /** Regular expressions, except those that are equivalent to names. */
  readonly regex: number;
  /** IPv4 ranges. */
  readonly ipv4: number;
  /** IPv6 ranges. */
  readonly ipv6: number;
}

/** A keyword or a regular expression. */
interface PatternEntry {
  readonly condition: "domain_keyword" | "domain_regex";
  readonly text: string;
  readonly line: number;
}

/** Collects a {@link TargetSet}. Entries that cannot be used are noted. */
export class TargetSetBuilder {
  readonly #names = new NameTableBuilder();
  readonly #ranges = new AddressRangesBuilder();
  readonly #patterns = new PatternSetBuilder();
  readonly #patternEntries: PatternEntry[] = [];
  readonly #counts = { exact: 0, suffix: 0, keyword: 0, regex: 0 };
  readonly #list: string | undefined;
  readonly #notes: ListNotes;

  /**
   * @param list The list's name in messages; `undefined` for the configuration
   * itself.
   * @param notes Receives the entries that are left out.
   */
  constructor(list: string | undefined, notes: ListNotes) {
    this.#list = list;
    this.#notes = notes;
  }

  /** The number of entries. */
  get count(): number {
    return this.#names.count + this.#ranges.count + this.#patternEntries.length;
  }

  /** Adds a name. A dot before a suffix excludes the name itself. */
  name(kind: NameKind, text: string, line: number): void {
    const isBelow = kind === "suffix" && text.startsWith(".");
    const name = asciiName(isBelow ? text.slice(1) : text);
    if (name === undefined) {
      this.#notes.add("is not a name", line);
      return;
    }
    this.#checkRoom();
    this.#counts[kind === "exact" ? "exact" : "suffix"]++;
    this.#names.add(isBelow ? "below" : kind, name, line);
  }

  /** Adds a text that matches anywhere in a name. */
  keyword(text: string, line: number): void {
    if (text === "") {
      this.#notes.add("is an empty keyword, which every name contains", line);
      return;
    }
    this.#pattern("domain_keyword", text, line, () => literalPattern(text));
  }

  /** Adds a regular expression. */
  regex(source: string, line: number): void {
    const same = nameOfPattern(source);
    if (same !== undefined) {
      if (same.isLenient) {
        this.#notes.add(
          "has a dot that is not escaped; read as a dot",
          line,
          true,
        );
      }
      this.name(same.kind, same.name, line);
      return;
    }
    this.#pattern("domain_regex", source, line, () => parsePattern(source));
  }

  /**
   * Adds an address or a block, `ADDRESS/BITS`; bits after the prefix are
   * ignored.
   *
   * @returns False for any other text; nothing is noted then.
   */
  cidr(text: string, line: number): boolean {
    // Most lines of most lists are no addresses, so a cheap check comes first.
    if (!ADDRESS_LIKE.test(text)) return false;
    const [address = "", bits, more] = text.split("/");
    const prefix = parseIp(address);
    if (prefix === undefined || more !== undefined) return false;
    if (bits === undefined) {
      this.range(prefix, prefix, line);
      return true;
    }
    const length = Number(bits);
    if (!/^\d{1,3}$/.test(bits) || length > prefix.length * 8) return false;
    this.block(prefix, length, line);
    return true;
  }

  /** Adds the addresses that share their first bits with a prefix. */
  block(prefix: Uint8Array, bits: number, line: number): void {
    // `slice()` of a Buffer would share its bytes.
    const from = Uint8Array.from(prefix);
    const to = Uint8Array.from(prefix);
    for (let i = 0; i < prefix.length; i++) {
      const mask = bits >= 8 * (i + 1) ? 0 : 0xff >>> Math.max(0, bits - 8 * i);
      from[i]! &= ~mask;
      to[i]! |= mask;
    }
    this.range(from, to, line);
  }

  /** Adds a range of addresses of the same length, both ends included. */
  range(from: Uint8Array, to: Uint8Array, line: number): void {
    this.#checkRoom();
    this.#ranges.add(from, to, line);
  }

  /**
   * Returns the finished set.
   *
   * @throws {ConfigError} `ERR_ROUTE_LIST` if names were chosen to collide.
   */
  build(): TargetSet {
    return new TargetSet({
      list: this.#list,
      names: this.#names.build(),
      ranges: this.#ranges.build(),
      ...this.#patternEntries.length > 0 &&
        { patterns: this.#patterns.build() },
      patternEntries: this.#patternEntries,
      counts: this.#counts,
    });
  }

  #pattern(
    condition: PatternEntry["condition"],
    text: string,
    line: number,
    parse: () => PatternNode,
  ): void {
    this.#checkRoom();
    try {
      this.#patterns.add(parse());
    } catch (error) {
      if (!(error instanceof PatternError)) throw error;
      this.#notes.add(
        `is a pattern that cannot be used: ${error.message}`,
        line,
      );
      return;
    }
    this.#counts[condition === "domain_keyword" ? "keyword" : "regex"]++;
    this.#patternEntries.push({ condition, text, line });
  }

  #checkRoom(): void {
    if (this.count >= MAX_LIST_ENTRIES) {
      throw listError(`it has more than ${MAX_LIST_ENTRIES} entries`);
    }
  }
}

/** The parts of a {@link TargetSet}. */
interface TargetParts {
  readonly list: string | undefined;
  readonly names: NameTable;
  readonly ranges: AddressRanges;
  /** Not set if there are no patterns. */
  readonly patterns?: PatternSet;
  readonly patternEntries: readonly PatternEntry[];
  readonly counts: Omit<TargetCounts, "ipv4" | "ipv6">;
}

/** The finished set of a list. */
export class TargetSet {
  readonly #parts: TargetParts;
  /** The numbers of each kind of entry. */
  readonly counts: TargetCounts;

  /** Do not call directly: use {@link TargetSetBuilder}. */
  constructor(parts: TargetParts) {
    this.#parts = parts;
    const { ipv4Count: ipv4, ipv6Count: ipv6 } = parts.ranges;
    this.counts = { ...parts.counts, ipv4, ipv6 };
  }

  /** True if the set has entries for names. */
  get hasNames(): boolean {
    return this.#parts.names.count > 0 || this.hasPatterns;
  }

  /** True if the set has keywords or regular expressions. */
  get hasPatterns(): boolean {
    return this.#parts.patternEntries.length > 0;
  }

  /** True if the set has entries for addresses. */
  get hasAddresses(): boolean {
    return this.counts.ipv4 + this.counts.ipv6 > 0;
  }

  /** Bytes of memory, without the texts of patterns. */
  get byteLength(): number {
    const { names, ranges, patterns } = this.#parts;
    return names.byteLength + ranges.byteLength + (patterns?.byteLength ?? 0);
  }

  /**
   * Finds an entry that matches a name.
   *
   * @param name ASCII, without a dot at its end.
   */
  matchName(name: string): RouteHit | undefined {
    const { list, names, patterns, patternEntries } = this.#parts;
    const index = names.find(name);
    if (index >= 0) return new NameHit(list, names, index);
    const number = patterns?.find(name) ?? -1;
    if (number < 0) return undefined;
    const { condition, text, line } = patternEntries[number]!;
    return { list, condition, value: text, line };
  }

  /** Finds an entry that matches an address of 4 or 16 bytes. */
  matchAddress(address: Uint8Array): RouteHit | undefined {
    const { list, ranges } = this.#parts;
    const index = ranges.find(address);
    return index < 0 ? undefined : new RangeHit(list, ranges, index);
  }

  /** Iterates over the names, in the order of the list. */
  names(): Iterable<NameEntry> {
    return this.#parts.names.entries();
  }

  /**
   * Iterates over the keywords and regular expressions, in the order of the
   * list.
   */
  patterns(): Iterable<{ readonly text: string; readonly line: number }> {
    return this.#parts.patternEntries;
  }

  /** Iterates over the ranges, sorted. */
  ranges(): Iterable<AddressRange> {
    return this.#parts.ranges.entries();
  }
}

const ADDRESS_LIKE = /^[0-9a-fA-F:.]+(?:\/\d+)?$/;

/** A name that matched; its text is made when it is read. */
class NameHit implements RouteHit {
  readonly list: string | undefined;
  readonly #names: NameTable;
  readonly #index: number;

  constructor(list: string | undefined, names: NameTable, index: number) {
    this.list = list;
    this.#names = names;
    this.#index = index;
  }

  get condition(): string {
    const { kind } = this.#names.entry(this.#index);
    return kind === "exact" ? "domain" : "domain_suffix";
  }

  get value(): string {
    const { kind, name } = this.#names.entry(this.#index);
    return kind === "below" ? `.${name}` : name;
  }

  get line(): number {
    return this.#names.entry(this.#index).line;
  }
}

/** A range that matched; its text is made when it is read. */
class RangeHit implements RouteHit {
  readonly condition = "ip_cidr";
  readonly list: string | undefined;
  readonly #ranges: AddressRanges;
  readonly #index: number;

  constructor(list: string | undefined, ranges: AddressRanges, index: number) {
    this.list = list;
    this.#ranges = ranges;
    this.#index = index;
  }

  get value(): string {
    return formatRange(this.#ranges.entry(this.#index));
  }

  get line(): number {
    return this.#ranges.entry(this.#index).line;
  }
}

/** Formats a range as a block if it is one, otherwise as both ends. */
export function formatRange({ from, to }: AddressRange): string {
  let bits = 0;
  const most = from.length * 8;
  const bit = (bytes: Uint8Array, i: number): number =>
    bytes[i >>> 3]! >>> (7 - (i & 7)) & 1;
  while (bits < most && bit(from, bits) === bit(to, bits)) bits++;
  for (let i = bits; i < most; i++) {
    if (bit(from, i) !== 0 || bit(to, i) !== 1) {
      return `${formatIp(from)}-${formatIp(to)}`;
    }
  }
  return bits === most ? formatIp(from) : `${formatIp(from)}/${bits}`;
}

/** Returns an address as routes compare it; `undefined` for any other text. */
export function routeAddress(text: string): Uint8Array | undefined {
  const bytes = parseIp(text);
  return bytes && unmapIpv4(bytes);
}
