/**
 * Patterns as one machine that walks over a name once: Thompson's construction.
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
  /** Takes one character of a set. */
  one: 0,
  /** Goes two ways at once. */
  fork: 1,
  /** Goes on at the start of the name only. */
  start: 2,
  /** Goes on at the end of the name only. */
  end: 3,
  /** The pattern has matched. */
  match: 4,
} as const;

/** States of all patterns of a list. */
export class PatternProgram {
  /** One of {@link OP} for each state. */
  readonly ops: number[] = [];
  /** The next state; of a match, the number of its pattern. */
  readonly next: number[] = [];
  /** The other next state of a fork; of `one`, the number of its set. */
  readonly other: number[] = [];
  /** The sets, each once. */
  readonly sets: CharacterSet[] = [];
  /** The state in which each pattern starts. */
  readonly entries: number[] = [];
  readonly #setNumbers = new Map<string, number>();
  #work = 0;

  /**
   * Adds a pattern; its number is how many there were before.
   *
   * @throws {PatternError} When it, or all together, would be too large; then
   * it is not part of the program.
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

  /** @returns Where a part starts that goes on at `next`. */
  #compile(node: PatternNode, next: number): number {
    // Parts that take nothing make no state, so states do not bound them.
    if (++this.#work > MAX_PATTERN_WORK) {
      throw new PatternError("its repetitions make it too large");
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
      throw new PatternError("the patterns of the list are too large together");
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
