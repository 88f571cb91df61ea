/**
 * A list of rules that was read, of whatever format.
 *
 * @module
 */
import { MAX_LIST_RULES } from "../limits.ts";
import { anyOf, type Condition } from "./condition.ts";
import { listError } from "./list_error.ts";
import { type ListNote, ListNotes } from "./list_notes.ts";
import type { TargetCounts } from "./match/target_set.ts";
import { ListSizes, RuleBuilder } from "./rule_builder.ts";

/** A list. */
export interface RuleList {
  /** Holds if one of the rules does. */
  readonly condition: Condition;
  /** The numbers of each kind of entry. */
  readonly counts: TargetCounts;
  /** Bytes of memory. */
  readonly byteLength: number;
  /** The entries that were left out, with reasons. */
  readonly notes: readonly ListNote[];
}

/** What there is to see of a list that is in use. */
export interface RuleListFacts {
  /** The name in the configuration. */
  readonly name: string;
  /** Path of its file, or host that publishes it. */
  readonly source: string;
  /** Entries; not set for a database. */
  readonly rules?: number;
  /** Bytes of memory; of a database, of its file. */
  readonly bytes: number;
  /** Milliseconds since 1970 when it changed. Not set where unknown. */
  readonly changedUnixMs?: number;
}

/** How many entries a list has. */
export function countRules(counts: TargetCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** Two-letter code of the country of an address; `undefined`: not known. */
export type CountryOf = (address: Uint8Array) => string | undefined;

/** Collects a list. */
export class RuleListBuilder {
  readonly #list: string;
  readonly #notes = new ListNotes();
  readonly #sizes = new ListSizes();
  readonly #conditions: Condition[] = [];
  #rules = 0;
  /** The rule to which text lists add their entries one by one. */
  readonly main: RuleBuilder;

  /** @param list Its name in what is explained. */
  constructor(list: string) {
    this.#list = list;
    this.main = this.rule();
  }

  /** A rule to be filled, and then built. */
  rule(): RuleBuilder {
    if (++this.#rules > MAX_LIST_RULES) {
      throw listError(`it has more than ${MAX_LIST_RULES} rules`);
    }
    return new RuleBuilder(this.#list, this.#notes);
  }

  /** The finished rule; `undefined` where it has no condition. */
  build(rule: RuleBuilder): Condition | undefined {
    return rule.build(this.#sizes);
  }

  /** Adds a way in which the list holds. */
  add(condition: Condition): void {
    this.#conditions.push(condition);
  }

  /** Leaves an entry out. */
  note(reason: string, line: number): void {
    this.#notes.add(reason, line);
  }

  /**
   * Makes the list.
   *
   * @throws {ConfigError} `ERR_ROUTE_LIST` when nothing of it is usable, or
   * most of it is not.
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
    if (conditions.length === 0) throw listError("no rule is in it");
    return { condition: anyOf(conditions), counts, byteLength, notes };
  }
}

/** A note in words: `2 entries: is not a name (line 3, line 8)`. */
export function describeNote({ reason, count, lines }: ListNote): string {
  const places = lines.filter((line) => line > 0).map((line) => `line ${line}`);
  const more = places.length > 0 && count > lines.length ? ", …" : "";
  return `${count} ${count === 1 ? "entry" : "entries"}: ${reason}` +
    (places.length > 0 ? ` (${places.join(", ")}${more})` : "");
}
