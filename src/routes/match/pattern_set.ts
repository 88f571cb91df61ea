/**
 * Matches many patterns at once, in one pass over the name and without
 * backtracking. The time is bounded by the length of the name and the size of
 * the patterns.
 *
 * States that are active together become one state of a deterministic machine
 * when a name first reaches them. The number of these states is bounded; at the
 * limit, all are dropped.
 *
 * @module
 */
import {
  MAX_NAME_LENGTH,
  MAX_PATTERN_CACHE_STATES,
  MAX_PATTERN_CACHE_THREADS,
} from "../../limits.ts";
import { OP, PatternProgram } from "./pattern_program.ts";
import type { CharacterSet, PatternNode } from "./pattern_syntax.ts";

const NONE = -1;
const UNKNOWN = -2;
const ALPHABET = 128;
/** No name contains it, so it represents all characters outside ASCII. */
const FOREIGN = 0x7f;

/** States that are active together. */
interface Reached {
  /** States that consume a character or wait for the end, sorted. */
  readonly threads: Uint32Array;
  /** The lowest number of a pattern that has matched on the way. */
  readonly match: number;
}

/**
 * A state of the deterministic machine. Threads that started at the last
 * character are left out, because they are the same for all states with that
 * character.
 */
interface Composite extends Reached {
  /** The column of the character that led here. */
  readonly column: number;
  /** The pattern that matches if the name ends here; computed when needed. */
  matchAtEnd: number;
}

/** Collects patterns. */
export class PatternSetBuilder {
  readonly #program = new PatternProgram();

  /** The number of patterns. */
  get count(): number {
    return this.#program.entries.length;
  }

  /**
   * Adds a pattern; its number is the count of earlier ones.
   *
   * @throws {PatternError} If it is too large; it is left out then.
   */
  add(pattern: PatternNode): void {
    this.#program.add(pattern);
  }

  /** Returns the finished set. */
  build(): PatternSet {
    return new PatternSet(this.#program);
  }
}

/** The finished set of patterns. */
export class PatternSet {
  readonly #ops: Uint8Array;
  readonly #next: Uint32Array;
  readonly #other: Uint32Array;
  readonly #sets: readonly CharacterSet[];
  /**
   * The column of each character; characters that no set distinguishes share
   * one.
   */
  readonly #columns: Uint8Array;
  readonly #columnCount: number;
  /** A character of each column. */
  readonly #characters: readonly number[];

  /** The round in which each state was last reached. */
  readonly #reached: Uint32Array;
  #round = 0;
  readonly #pending: number[] = [];

  /** The states at the start of a name. */
  readonly #first: Reached;
  /** The states that start at each later position of a name. */
  readonly #restart: Reached;
  /** The states after one character from {@link #restart}, by column. */
  readonly #fresh: (Reached | undefined)[];
  /** The states after two characters, by columns. */
  readonly #second: (Reached | undefined)[];

  #composites: Composite[] = [];
  #byHash = new Map<number, number[]>();
  /** The number of the next composite plus 1; 0 if it is not known yet. */
  #steps: Uint16Array;
  #threads = 0;

  /** The number of patterns. */
  readonly count: number;

  /** Do not call directly: use {@link PatternSetBuilder}. */
  constructor(program: PatternProgram) {
    this.count = program.entries.length;
    this.#ops = Uint8Array.from(program.ops);
    this.#next = Uint32Array.from(program.next);
    this.#other = Uint32Array.from(program.other);
    this.#sets = program.sets;
    const { columns, characters } = columnsOf(program.sets);
    this.#columns = columns;
    this.#characters = characters;
    this.#columnCount = characters.length;
    this.#reached = new Uint32Array(program.ops.length);
    this.#fresh = new Array(this.#columnCount);
    this.#second = new Array(this.#columnCount ** 2);
    this.#first = this.#closure(program.entries, true, false);
    this.#restart = this.#closure(program.entries, false, false);
    this.#steps = new Uint16Array(this.#columnCount);
    this.#keep(this.#first, 0);
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return 13 * this.#ops.length + this.#steps.byteLength + 4 * this.#threads;
  }

  /**
   * Finds a pattern that matches.
   *
   * @param name Either case, without a dot at its end.
   * @returns Its number, or -1.
   */
  find(name: string): number {
    if (this.count === 0 || name.length > MAX_NAME_LENGTH) return NONE;
    let state = 0;
    let match = this.#composites[0]!.match;
    for (let i = 0; i < name.length && match === NONE; i++) {
      const code = name.charCodeAt(i);
      const column = this.#columns[code < ALPHABET ? code : FOREIGN]!;
      const known = this.#steps[state * this.#columnCount + column]!;
      state = known > 0 ? known - 1 : this.#step(state, column);
      match = this.#composites[state]!.match;
    }
    if (match !== NONE) return match;
    const last = this.#composites[state]!;
    if (last.matchAtEnd === UNKNOWN) {
      last.matchAtEnd = this.#endOf(last, state === 0);
    }
    return last.matchAtEnd;
  }

  #endOf({ threads, column }: Composite, isStart: boolean): number {
    const from: number[] = [];
    const add = (states: Uint32Array): void => {
      for (const state of states) {
        if (this.#ops[state] === OP.end) from.push(this.#next[state]!);
      }
    };
    add(threads);
    add(this.#restart.threads);
    if (!isStart) add(this.#freshOf(column).threads);
    return this.#closure(from, isStart, true).match;
  }

  /** Computes a step and caches it. */
  #step(from: number, column: number): number {
    const { threads, column: last } = this.#composites[from]!;
    const fresh = this.#freshOf(column);
    const older = from === 0
      // At the first position, no earlier threads exist.
      ? without(this.#taken(threads, column), fresh.threads)
      : joined(this.#taken(threads, column), this.#secondOf(last, column));
    const to = { ...older, match: least(older.match, fresh.match) };
    const same = this.#byHash.get(hashOf(to, column))?.find((number) => {
      const known = this.#composites[number]!;
      return known.column === column && isEqual(known, to);
    });
    if (same === undefined && this.#isFull(to)) {
      this.#forget();
      return this.#keep(to, column);
    }
    const number = same ?? this.#keep(to, column);
    this.#steps[from * this.#columnCount + column] = number + 1;
    return number;
  }

  #freshOf(column: number): Reached {
    return this.#fresh[column] ??= this.#taken(this.#restart.threads, column);
  }

  #secondOf(last: number, column: number): Reached {
    return this.#second[last * this.#columnCount + column] ??= this.#taken(
      this.#freshOf(last).threads,
      column,
    );
  }

  /** Returns the states after threads have consumed a character. */
  #taken(threads: Uint32Array, column: number): Reached {
    const character = this.#characters[column]!;
    const next: number[] = [];
    for (const state of threads) {
      if (this.#ops[state] !== OP.one) continue;
      const set = this.#sets[this.#other[state]!]!;
      if (has(set, character)) next.push(this.#next[state]!);
    }
    return this.#closure(next, false, false);
  }

  /** Returns the states that are reached without a character. */
  #closure(from: readonly number[], isStart: boolean, isEnd: boolean): Reached {
    if (this.#round === 0xffff_ffff) {
      this.#reached.fill(0);
      this.#round = 0;
    }
    const round = ++this.#round;
    const pending = this.#pending;
    const threads: number[] = [];
    let match = NONE;
    for (const state of from) pending.push(state);
    while (pending.length > 0) {
      const state = pending.pop()!;
      if (this.#reached[state] === round) continue;
      this.#reached[state] = round;
      const next = this.#next[state]!;
      switch (this.#ops[state]) {
        case OP.one:
          threads.push(state);
          break;
        case OP.fork:
          pending.push(next, this.#other[state]!);
          break;
        case OP.start:
          if (isStart) pending.push(next);
          break;
        case OP.end:
          if (isEnd) pending.push(next);
          else threads.push(state);
          break;
        case OP.match:
          match = least(match, next);
          break;
      }
    }
    return { threads: Uint32Array.from(threads).sort(), match };
  }

  #isFull({ threads }: Reached): boolean {
    return this.#composites.length >= MAX_PATTERN_CACHE_STATES ||
      this.#threads + threads.length > MAX_PATTERN_CACHE_THREADS;
  }

  #keep(reached: Reached, column: number): number {
    const composite = { ...reached, column, matchAtEnd: UNKNOWN };
    const number = this.#composites.push(composite) - 1;
    this.#threads += composite.threads.length;
    // The first composite is not looked up, because no character led to it.
    if (number > 0) {
      const hash = hashOf(composite, column);
      const bucket = this.#byHash.get(hash);
      if (bucket === undefined) this.#byHash.set(hash, [number]);
      else bucket.push(number);
    }
    if (number * this.#columnCount >= this.#steps.length) {
      const steps = new Uint16Array(2 * this.#steps.length);
      steps.set(this.#steps);
      this.#steps = steps;
    }
    return number;
  }

  #forget(): void {
    this.#composites = [];
    this.#byHash = new Map();
    this.#steps = new Uint16Array(this.#columnCount);
    this.#threads = 0;
    this.#keep(this.#first, 0);
  }
}

/** Groups characters that are in the same sets. */
function columnsOf(
  sets: readonly CharacterSet[],
): { columns: Uint8Array; characters: number[] } {
  const columns = new Uint8Array(ALPHABET);
  const characters: number[] = [];
  const known = new Map<string, number>();
  for (let code = 0; code < ALPHABET; code++) {
    const key = sets.map((set) => has(set, code) ? "1" : "0").join("");
    let column = known.get(key);
    if (column === undefined) {
      column = characters.push(code) - 1;
      known.set(key, column);
    }
    columns[code] = column;
  }
  return { columns, characters };
}

function has(set: CharacterSet, code: number): boolean {
  return (set[code >>> 5]! >>> (code & 31) & 1) === 1;
}

function least(a: number, b: number): number {
  if (a === NONE) return b;
  return b === NONE ? a : Math.min(a, b);
}

function joined(a: Reached, b: Reached): Reached {
  const match = least(a.match, b.match);
  if (a.threads.length === 0) return { threads: b.threads, match };
  if (b.threads.length === 0) return { threads: a.threads, match };
  const all = new Set(a.threads);
  for (const state of b.threads) all.add(state);
  return { threads: Uint32Array.from(all).sort(), match };
}

function without({ threads, match }: Reached, others: Uint32Array): Reached {
  const left = new Set(threads);
  for (const state of others) left.delete(state);
  return { threads: Uint32Array.from(left), match };
}

function isEqual(a: Reached, b: Reached): boolean {
  if (a.match !== b.match || a.threads.length !== b.threads.length) {
    return false;
  }
  return a.threads.every((state, i) => state === b.threads[i]);
}

function hashOf({ threads, match }: Reached, column: number): number {
  let hash = match ^ column;
  for (const state of threads) hash = Math.imul(hash ^ state, 0x01000193);
  return hash;
}
