/**
 * Compiles patterns into one machine that reads a name once, by Thompson's
 * construction.
 *
 * @module
 */
import { MAX_PATTERN_STATES, MAX_PATTERN_WORK } from "../../limits.ts";
import {
  type CharacterSet,
  PatternError,
  type PatternNode,
} from "./pattern_syntax.ts";

/** The operations of a state. */
export const OP = {
  /** Consumes one character of a set. */
  one: 0,
  /** Continues in two states at once. */
  fork: 1,
  /** Continues only at the start of the name. */
  start: 2,
  /** Continues only at the end of the name. */
  end: 3,
  /** The pattern matches. */
  match: 4,
} as const;

/** The states of all patterns of a list. */
export class PatternProgram {
  /** The operation of each state, one of {@link OP}. */
  readonly ops: number[] = [];
  /** The next state; for a match, the number of its pattern. */
  readonly next: number[] = [];
  /** The second next state of a fork; for `one`, the number of its set. */
  readonly other: number[] = [];
  /** The different sets. */
  readonly sets: CharacterSet[] = [];
  /** The state in which each pattern starts. */
  readonly entries: number[] = [];
  readonly #setNumbers = new Map<string, number>();
  #work = 0;

  /**
   * Adds a pattern; its number is the count of earlier ones.
   *
   * @throws {PatternError} If it, or all patterns together, would be too large;
   * it is not added then.
   */
  add(pattern: PatternNode): void {
    const before = this.ops.length;
    this.#work = 0;
    try {
      const match = this.#emit(OP.match, this.entries.length, 0);
      this.entries.push(this.#compile(pattern, match));
    } catch (error) {
      for (const list of [this.ops, this.next, this.other]) {
        list.length = before;
      }
      throw error;
    }
  }

  /** @returns The start state of a part that continues at `next`. */
  #compile(node: PatternNode, next: number): number {
    // Empty parts make no states, so the limit of states does not cover them.
    if (++this.#work > MAX_PATTERN_WORK) {
      throw new PatternError("its repetitions are too large");
    }
    switch (node.kind) {
      case "one":
        return this.#emit(OP.one, next, this.#setNumber(node.set));
      case "start":
        return this.#emit(OP.start, next, 0);
      case "end":
        return this.#emit(OP.end, next, 0);
      case "sequence":
        return node.parts.reduceRight(
          (to, part) => this.#compile(part, to),
          next,
        );
      case "choice":
        return node.parts.map((part) => this.#compile(part, next))
          .reduceRight((rest, way) => this.#emit(OP.fork, way, rest));
      case "repeat":
        return this.#repeat(node, next);
    }
  }

  #repeat(
    { part, min, max }: Extract<PatternNode, { kind: "repeat" }>,
    next: number,
  ): number {
    let entry = next;
    if (max === Infinity) {
      entry = this.#emit(OP.fork, next, next);
      this.next[entry] = this.#compile(part, entry);
    } else {
      for (let i = min; i < max; i++) {
        entry = this.#emit(OP.fork, this.#compile(part, entry), next);
      }
    }
    for (let i = 0; i < min; i++) entry = this.#compile(part, entry);
    return entry;
  }

  #emit(op: number, next: number, other: number): number {
    if (this.ops.length >= MAX_PATTERN_STATES) {
      throw new PatternError("the patterns of the list are too large in total");
    }
    this.next.push(next);
    this.other.push(other);
    return this.ops.push(op) - 1;
  }

  #setNumber(set: CharacterSet): number {
    const key = set.join();
    const known = this.#setNumbers.get(key);
    if (known !== undefined) return known;
    this.#setNumbers.set(key, this.sets.length);
    return this.sets.push(set) - 1;
  }
}
