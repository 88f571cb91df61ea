/**
 * A list of rules, read from any format.
 *
 * @module
 */
import { MAX_LIST_RULES } from "../limits.ts";
import { anyOf, type Condition } from "./condition.ts";
import { listError } from "./list_error.ts";
import { type ListNote, ListNotes } from "./list_notes.ts";
import type { TargetCounts } from "./match/target_set.ts";
import { ListSizes, RuleBuilder } from "./rule_builder.ts";

/** A list that can be used in routes. */
export interface RuleList {
  /** Matches if one of the rules does. */
  readonly condition: Condition;
  /** The numbers of each kind of entry. */
  readonly counts: TargetCounts;
  /** Bytes of memory. */
  readonly byteLength: number;
  /** The entries that were left out, with reasons. */
  readonly notes: readonly ListNote[];
}

/** The status of a list in use. */
export interface RuleListFacts {
  /** The name in the configuration. */
  readonly name: string;
  /** Path of its file, or the host that publishes it. */
  readonly source: string;
  /** The number of entries; not set for a database. */
  readonly rules?: number;
  /** Bytes of memory; for a database, the size of its file. */
  readonly bytes: number;
  /**
   * The time of the last change; milliseconds since 1970. Not set if it is not
   * known.
   */
  readonly changedUnixMs?: number;
}

/** Returns the number of entries of a list. */
export function countRules(counts: TargetCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/**
 * Returns a condition that matches addresses of a country.
 *
 * @param code The code of the country in upper case.
 * @throws {ConfigError} `ERR_ROUTE_LIST` if the file has no such country.
 */
export type InCountry = (code: string) => Condition;

/** Collects a list. */
export class RuleListBuilder {
  readonly #list: string;
  readonly #notes = new ListNotes();
  readonly #sizes = new ListSizes();
  readonly #conditions: Condition[] = [];
  #rules = 0;
  /** The rule that text lists add their entries to. */
  readonly main: RuleBuilder;

  /** @param list The list's name in messages. */
  constructor(list: string) {
    this.#list = list;
    this.main = this.rule();
  }

  /** Returns a new rule, which must be filled and then built. */
  rule(): RuleBuilder {
    if (++this.#rules > MAX_LIST_RULES) {
      throw listError(`it has more than ${MAX_LIST_RULES} rules`);
    }
    return new RuleBuilder(this.#list, this.#notes);
  }

  /** Returns the finished rule; `undefined` if it has no condition. */
  build(rule: RuleBuilder): Condition | undefined {
    return rule.build(this.#sizes);
  }

  /** Adds a condition by which the list matches. */
  add(condition: Condition): void {
    this.#conditions.push(condition);
  }

  /** Notes an entry that is left out. */
  note(reason: string, line: number): void {
    this.#notes.add(reason, line);
  }

  /**
   * Returns the finished list.
   *
   * @throws {ConfigError} `ERR_ROUTE_LIST` if it has no usable entry, or most
   * entries cannot be used.
   */
  finish(): RuleList {
    const main = this.build(this.main);
    const conditions = main ? [main, ...this.#conditions] : this.#conditions;
    const { counts, byteLength } = this.#sizes;
    const notes = this.#notes.all();
    const used = Object.values(counts).reduce((sum, count) => sum + count) +
      this.#conditions.length;
    if (this.#notes.leftOut > used) {
      const [first] = notes;
      throw listError(
        `most of its entries cannot be used: ${describeNote(first!)}`,
      );
    }
    if (conditions.length === 0) throw listError("it has no rules");
    return { condition: anyOf(conditions), counts, byteLength, notes };
  }
}

/** Formats a note: `2 entries: is not a name (line 3, line 8)`. */
export function describeNote({ reason, count, lines }: ListNote): string {
  const places = lines.filter((line) => line > 0).map((line) => `line ${line}`);
  const more = places.length > 0 && count > lines.length ? ", …" : "";
  return `${count} ${count === 1 ? "entry" : "entries"}: ${reason}` +
    (places.length > 0 ? ` (${places.join(", ")}${more})` : "");
}
