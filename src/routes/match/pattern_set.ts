/**
 * Many patterns matched at once, in one walk over the name and without a way
 * back: the time is bounded by the length of the name and the size of the
 * patterns, whatever either of them is.
 *
 * The states that are active together become one state of a deterministic
 * machine when a name first leads there. How many of those are remembered is
 * bounded; when they are too many, all are forgotten.
 *
 * @module
 */
import {
  MAX_NAME_LENGTH,
  MAX_PATTERN_CACHE_STATES,
  MAX_PATTERN_CACHE_THREADS,
} from "../../limits.ts";
import { OP, PatternProgram } from "./pattern_program.ts";
import type { PatternNode } from "./pattern_syntax.ts";

const NONE = -1;
const UNKNOWN = -2;
const ALPHABET = 128;
/** No name has it: what is not ASCII is taken for it. */
const FOREIGN = 0x7f;

/** A state of the deterministic machine. */
interface Composite {
  /** Active states that take a character or the end, sorted. */
  readonly threads: Uint32Array;
  /** The pattern that has matched on the way here. */
  readonly match: number;
  /** The pattern that matches if the name ends here; found when asked. */
  matchAtEnd: number;
}

/** Collects patterns. */
export class PatternSetBuilder {
  readonly #program = new PatternProgram();

  /** How many there are. */
  get count(): number {
    return this.#program.entries.length;
  }

  /**
   * Adds a pattern; its number is how many there were before.
   *
   * @throws {PatternError} When it is too large; it is left out then.
   */
  add(pattern: PatternNode): void {
    this.#program.add(pattern);
  }

  /** Makes the set. */
  build(): PatternSet {
    return new PatternSet(this.#program);
  }
}

/** A finished set. */
export class PatternSet {
  readonly #ops: Uint8Array;
  readonly #next: Uint32Array;
  readonly #other: Uint32Array;
  readonly #sets: readonly Uint32Array[];
  /** Round in which a state was reached last. */
  readonly #reached: Uint32Array;
  #round = 0;
  readonly #pending: number[] = [];

  readonly #first: Composite;
  /** What each place of a name starts, but for the first. */
  readonly #restart: Composite;
  /** Where that leads with each character. */
  readonly #restarts: (Composite | undefined)[] = new Array(ALPHABET);

  #composites: Composite[] = [];
  #byHash = new Map<number, number[]>();
  /** Number of the next composite plus 1; 0 for one not known yet. */
  #steps = new Uint16Array(ALPHABET);
  #threads = 0;

  /** How many patterns there are. */
  readonly count: number;

  /** Use {@link PatternSetBuilder}. */
  constructor(program: PatternProgram) {
    this.count = program.entries.length;
    this.#ops = Uint8Array.from(program.ops);
    this.#next = Uint32Array.from(program.next);
    this.#other = Uint32Array.from(program.other);
    this.#sets = program.sets;
    this.#reached = new Uint32Array(program.ops.length);
    this.#first = this.#closure(program.entries, true, false);
    this.#restart = this.#closure(program.entries, false, false);
    this.#keep(this.#first);
  }

  /** Bytes of memory. */
  get byteLength(): number {
    return 13 * this.#ops.length + 2 * this.#steps.length + 4 * this.#threads;
  }

  /**
   * Finds a pattern that matches.
   *
   * @param name Of either case, without a dot at its end.
   * @returns Its number; -1 for none.
   */
  find(name: string): number {
    if (this.count === 0 || name.length > MAX_NAME_LENGTH) return NONE;
    let state = 0;
    for (let i = 0; i < name.length; i++) {
      const composite = this.#composites[state]!;
      if (composite.match !== NONE) return composite.match;
      const code = name.charCodeAt(i);
      const character = code < ALPHABET ? code : FOREIGN;
      const known = this.#steps[state * ALPHABET + character]!;
      state = known > 0 ? known - 1 : this.#step(state, character);
    }
    const last = this.#composites[state]!;
    if (last.match !== NONE) return last.match;
    if (last.matchAtEnd === UNKNOWN) {
      last.matchAtEnd = this.#endOf(last, state === 0);
    }
    return last.matchAtEnd;
  }

  #endOf({ threads }: Composite, isStart: boolean): number {
    const ends = [...threads, ...this.#restart.threads]
      .filter((state) => this.#ops[state] === OP.end);
    return this.#closure(
      ends.map((state) => this.#next[state]!),
      isStart,
      true,
    ).match;
  }

  /** Makes a step that was never made, and remembers it. */
  #step(from: number, character: number): number {
    const { threads } = this.#composites[from]!;
    const isFirst = from === 0;
    let to = this.#taken(threads, character);
    // Everything that starts here has started at the first place as well.
    if (!isFirst) {
      const more = this.#restarts[character] ??= this.#taken(
        this.#restart.threads,
        character,
      );
      to = joined(to, more);
    }
    const hash = hashOf(to);
    const same = this.#byHash.get(hash)
      ?.find((number) => isEqual(this.#composites[number]!, to));
    if (same !== undefined) {
      this.#steps[from * ALPHABET + character] = same + 1;
      return same;
    }
    if (
      this.#composites.length >= MAX_PATTERN_CACHE_STATES ||
      this.#threads + to.threads.length > MAX_PATTERN_CACHE_THREADS
    ) {
      this.#forget();
      return this.#keep(to);
    }
    const number = this.#keep(to);
    this.#steps[from * ALPHABET + character] = number + 1;
    return number;
  }

  /** Where the threads that take a character lead. */
  #taken(threads: Uint32Array, character: number): Composite {
    const next: number[] = [];
    for (const state of threads) {
      if (this.#ops[state] !== OP.one) continue;
      const set = this.#sets[this.#other[state]!]!;
      if (set[character >>> 5]! >>> (character & 31) & 1) {
        next.push(this.#next[state]!);
      }
    }
    return this.#closure(next, false, false);
  }

  /** What is reached from states without a character. */
  #closure(
    from: readonly number[],
    isStart: boolean,
    isEnd: boolean,
  ): Composite {
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
          if (match === NONE || next < match) match = next;
          break;
      }
    }
    const sorted = Uint32Array.from(threads).sort();
    return { threads: sorted, match, matchAtEnd: UNKNOWN };
  }

  #keep(composite: Composite): number {
    const number = this.#composites.push(composite) - 1;
    this.#threads += composite.threads.length;
    const hash = hashOf(composite);
    // The first one is not looked for: it is before the first character.
    if (number > 0) {
      const bucket = this.#byHash.get(hash);
      if (bucket === undefined) this.#byHash.set(hash, [number]);
      else bucket.push(number);
    }
    if (number * ALPHABET >= this.#steps.length) {
      const steps = new Uint16Array(2 * this.#steps.length);
      steps.set(this.#steps);
      this.#steps = steps;
    }
    return number;
  }

  #forget(): void {
    this.#composites = [];
    this.#byHash = new Map();
    this.#steps = new Uint16Array(ALPHABET);
    this.#threads = 0;
    this.#keep(this.#first);
  }
}

function joined(a: Composite, b: Composite): Composite {
  const match = a.match === NONE
    ? b.match
    : b.match === NONE
    ? a.match
    : Math.min(a.match, b.match);
  if (b.threads.length === 0) return { ...a, match };
  const threads = Uint32Array.from(new Set([...a.threads, ...b.threads]));
  return { threads: threads.sort(), match, matchAtEnd: UNKNOWN };
}

function isEqual(a: Composite, b: Composite): boolean {
  if (a.match !== b.match || a.threads.length !== b.threads.length) {
    return false;
  }
  return a.threads.every((state, i) => state === b.threads[i]);
}

function hashOf({ threads, match }: Composite): number {
  let hash = match;
  for (const state of threads) hash = Math.imul(hash ^ state, 0x01000193);
  return hash;
}
