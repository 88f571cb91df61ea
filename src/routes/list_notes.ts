/**
 * What was left out of a list, and why: counted, with the first places.
 *
 * @module
 */
import { MAX_LIST_NOTES } from "../limits.ts";

/** One reason. */
export interface ListNote {
  /** Words, without the line. */
  readonly reason: string;
  /** The number of such entries. */
  readonly count: number;
  /** The first lines; 0 where the list has none. */
  readonly lines: readonly number[];
  /** True if the entries are used all the same. */
  readonly isUsed: boolean;
}

/** The reasons of one list. */
export class ListNotes {
  readonly #notes = new Map<
    string,
    { count: number; lines: number[]; isUsed: boolean }
  >();

  /** Counts an entry. Beyond a bound of reasons, the rest share one. */
  add(reason: string, line: number, isUsed = false): void {
    const key = this.#notes.has(reason) || this.#notes.size < MAX_LIST_NOTES
      ? reason
      : isUsed
      ? "has other peculiarities"
      : "has other faults";
    const note = this.#notes.get(key);
    if (note === undefined) {
      this.#notes.set(key, { count: 1, lines: [line], isUsed });
    } else {
      note.count++;
      if (note.lines.length < MAX_LIST_NOTES) note.lines.push(line);
    }
  }

  /** The number of entries that are not used. */
  get leftOut(): number {
    let count = 0;
    for (const note of this.#notes.values()) {
      if (!note.isUsed) count += note.count;
    }
    return count;
  }

  /** Every reason, in the order in which they were met. */
  all(): ListNote[] {
    return [...this.#notes].map(([reason, note]) => ({ reason, ...note }));
  }
}
