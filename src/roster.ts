/**
 * A list whose entries can be removed in any order.
 *
 * @module
 */

/** One value in a {@link Roster}. */
export interface RosterEntry<T> {
  readonly value: T;
  /** Removes the value. Idempotent. */
  remove(): void;
}

/**
 * Values in the order in which they were added. Adding and removing cost the
 * same, however many there are, and a removed entry does not refer to others.
 *
 * For what every connection adds and removes, it replaces a `Set`. When a `Set`
 * grows or shrinks, V8 gives it another table, and whatever the old table
 * contains stays in memory until the old generation is collected (decision
 * 0158).
 */
export class Roster<T> {
  #first: Entry<T> | undefined;
  #last: Entry<T> | undefined;
  #size = 0;

  /** Number of values. */
  get size(): number {
    return this.#size;
  }

  /** The oldest value, which stays; `undefined` if there is none. */
  get oldest(): RosterEntry<T> | undefined {
    return this.#first;
  }

  /** Adds a value at the end. */
  add(value: T): RosterEntry<T> {
    const entry = new Entry(value, this, this.#last);
    if (this.#last === undefined) this.#first = entry;
    else this.#last.next = entry;
    this.#last = entry;
    this.#size++;
    return entry;
  }

  /** Called by an entry that is removed. */
  unlink({ previous, next }: Entry<T>): void {
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    this.#size--;
  }

  /**
   * Removes and returns the values one by one, the oldest first, also those that
   * are added meanwhile.
   */
  *takeAll(): Generator<T> {
    for (let entry = this.#first; entry !== undefined; entry = this.#first) {
      entry.remove();
      yield entry.value;
    }
  }
}

class Entry<T> implements RosterEntry<T> {
  readonly value: T;
  previous: Entry<T> | undefined;
  next: Entry<T> | undefined = undefined;
  #roster: Roster<T> | undefined;

  constructor(value: T, roster: Roster<T>, previous: Entry<T> | undefined) {
    this.value = value;
    this.#roster = roster;
    this.previous = previous;
  }

  remove(): void {
    const roster = this.#roster;
    if (roster === undefined) return;
    this.#roster = undefined;
    roster.unlink(this);
    this.previous = undefined;
    this.next = undefined;
  }
}
