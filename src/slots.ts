/**
 * A hash table of positions in an array that the caller owns. It takes 8 to 16
 * bytes for an entry, where a `Map` takes 40 to 170.
 *
 * @module
 */

/** The smallest number of slots; a power of two. */
const MIN_SLOTS = 16;

/** A hash table with open addressing; at most half of its slots are used. */
export class Slots {
  readonly #hashOf: (position: number) => number;
  /** The position + 1 for each slot; 0 for a free slot. */
  #slots = new Int32Array(MIN_SLOTS);
  #size = 0;

  /** @param hashOf Returns the hash of the entry at a position. */
  constructor(hashOf: (position: number) => number) {
    this.#hashOf = hashOf;
  }

  /** Returns the position with this hash for which `isIt` returns true. */
  find(
    hash: number,
    isIt: (position: number) => boolean,
  ): number | undefined {
    const mask = this.#slots.length - 1;
    for (let slot = hash & mask;; slot = (slot + 1) & mask) {
      const position = this.#slots[slot]! - 1;
      if (position < 0) return undefined;
      if (isIt(position)) return position;
    }
  }

  /** Adds a position. The caller's array must have the entry already. */
  add(position: number): void {
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    this.#put(position);
  }

  /** Removes a position. The caller's array must still have the entry. */
  remove(position: number): void {
    const mask = this.#slots.length - 1;
    let hole = this.#slotOf(position);
    this.#size--;
    // Entries behind the hole that could not be found any more move into it.
    for (
      let slot = (hole + 1) & mask;
      this.#slots[slot] !== 0;
      slot = (slot + 1) & mask
    ) {
      const home = this.#hashOf(this.#slots[slot]! - 1);
      const isReached = ((slot - home) & mask) < ((slot - hole) & mask);
      if (isReached) continue;
      this.#slots[hole] = this.#slots[slot]!;
      hole = slot;
    }
    this.#slots[hole] = 0;
  }

  /** Changes the position of an entry, which must still be at `from`. */
  move(from: number, to: number): void {
    this.#slots[this.#slotOf(from)] = to + 1;
  }

  #slotOf(position: number): number {
    const mask = this.#slots.length - 1;
    let slot = this.#hashOf(position) & mask;
    while (this.#slots[slot] !== position + 1) slot = (slot + 1) & mask;
    return slot;
  }

  #put(position: number): void {
    const mask = this.#slots.length - 1;
    let slot = this.#hashOf(position) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = position + 1;
  }

  #grow(): void {
    const old = this.#slots;
    this.#slots = new Int32Array(old.length * 2);
    for (const one of old) if (one !== 0) this.#put(one - 1);
  }
}
