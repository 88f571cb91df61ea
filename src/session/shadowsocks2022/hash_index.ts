/**
 * Values by hashes of 16 bytes, in little memory: an entry costs some 50 bytes,
 * where a `Map` with text for keys takes twice to four times that.
 *
 * @module
 */

const HASH_LENGTH = 16;

/** Slots at least; a power of two. */
const MIN_SLOTS = 16;

/**
 * A hash table with open addressing. Hashes are uniform already, so that their
 * first bytes are the place.
 */
export class HashIndex<T> {
  #hashes = new Uint8Array(MIN_SLOTS * HASH_LENGTH);
  #values: (T | undefined)[] = new Array(MIN_SLOTS).fill(undefined);
  #size = 0;

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** The value of a hash of 16 bytes. */
  get(hash: Uint8Array): T | undefined {
    return this.#values[this.#find(hash)];
  }

  /**
   * Adds a value, or takes the place of the one of this hash.
   *
   * @param hash 16 bytes; copied.
   */
  set(hash: Uint8Array, value: T): void {
    if (this.#size * 2 >= this.#values.length) this.#grow();
    const slot = this.#find(hash);
    if (this.#values[slot] === undefined) this.#size++;
    this.#put(slot, hash, value);
  }

  /** Removes a value, if it is there. */
  delete(hash: Uint8Array): void {
    let hole = this.#find(hash);
    if (this.#values[hole] === undefined) return;
    this.#values[hole] = undefined;
    this.#size--;
    const mask = this.#values.length - 1;
    // Those behind it that would not be found any more move up.
    for (
      let slot = (hole + 1) & mask;
      this.#values[slot] !== undefined;
      slot = (slot + 1) & mask
    ) {
      const home = this.#home(this.#hashAt(slot));
      const isReached = ((slot - home) & mask) < ((slot - hole) & mask);
      if (isReached) continue;
      this.#put(hole, this.#hashAt(slot), this.#values[slot]!);
      this.#values[slot] = undefined;
      hole = slot;
    }
  }

  /** Slot of a hash, or the free one where it would be. */
  #find(hash: Uint8Array): number {
    const mask = this.#values.length - 1;
    let slot = this.#home(hash);
    while (this.#values[slot] !== undefined && !this.#isAt(slot, hash)) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  #home(hash: Uint8Array): number {
    const place = hash[0]! | hash[1]! << 8 | hash[2]! << 16 | hash[3]! << 24;
    return place & (this.#values.length - 1);
  }

  #isAt(slot: number, hash: Uint8Array): boolean {
    const start = slot * HASH_LENGTH;
    for (let i = 0; i < HASH_LENGTH; i++) {
      if (this.#hashes[start + i] !== hash[i]) return false;
    }
    return true;
  }

  #hashAt(slot: number): Uint8Array {
    const start = slot * HASH_LENGTH;
    return this.#hashes.subarray(start, start + HASH_LENGTH);
  }

  #put(slot: number, hash: Uint8Array, value: T): void {
    this.#hashes.set(hash, slot * HASH_LENGTH);
    this.#values[slot] = value;
  }

  #grow(): void {
    const [hashes, values] = [this.#hashes, this.#values];
    const slots = values.length * 2;
    this.#hashes = new Uint8Array(slots * HASH_LENGTH);
    this.#values = new Array(slots).fill(undefined);
    for (const [i, value] of values.entries()) {
      if (value === undefined) continue;
      const start = i * HASH_LENGTH;
      const hash = hashes.subarray(start, start + HASH_LENGTH);
      this.#put(this.#find(hash), hash, value);
    }
  }
}
