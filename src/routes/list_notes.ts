/**
 * The entries that were left out of a list: reasons, counts and first lines.
 *
 * @module
 */
import { MAX_LIST_NOTES } from "../limits.ts";

/** A reason, with its entries. */
export interface ListNote {
  /** The reason in words, without the line. */
  readonly reason: string;
  /** The number of such entries. */
  readonly count: number;
  /** The first lines; 0 for lists without lines. */
  readonly lines: readonly number[];
  /** True if the entries are still used. */
  readonly isUsed: boolean;
}

/** The notes of one list. */
export class ListNotes {
  readonly #notes = new Map<
    string,
    { count: number; lines: number[]; isUsed: boolean }
  >();

  /**
   * Counts an entry. Beyond the limit of reasons, further ones share a note.
   */
  add(reason: string, line: number, isUsed = false): void {
    const key = this.#notes.has(reason) || this.#notes.size < MAX_LIST_NOTES
      ? reason
      : isUsed
      ? "has another peculiarity"
      : "has another fault";
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

  /** Returns every note, in the order of the first entries. */
  all(): ListNote[] {
    return [...this.#notes].map(([reason, note]) => ({ reason, ...note }));
  }
}
