/**
 * A hash table of positions: where in an array, which the caller has, the entry
 * of a hash stands. 8 to 16 bytes an entry, where a `Map` takes 40 to 170.
 *
 * @module
 */

/** Slots at least; a power of two. */
const MIN_SLOTS = 16;

/** Open addressing; at most every other slot is taken. */
export class Slots {
  readonly #hashOf: (position: number) => number;
  /** Position + 1; 0 for a free slot. */
  #slots = new Int32Array(MIN_SLOTS);
  #size = 0;

  /** @param hashOf The hash of the entry at a position; any bits count. */
  constructor(hashOf: (position: number) => number) {
    this.#hashOf = hashOf;
  }

  /** The position for which `isIt` is true, of those that may have the hash. */
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

  /** Adds a position whose entry is there already. */
  add(position: number): void {
    if (++this.#size * 2 > this.#slots.length) this.#grow();
    this.#put(position);
  }

  /** Removes a position whose entry is still there. */
  remove(position: number): void {
    const mask = this.#slots.length - 1;
    let hole = this.#slotOf(position);
    this.#size--;
    // Those behind it that would not be found any more move up.
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

  /** An entry, which is still there, moves to another position. */
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
