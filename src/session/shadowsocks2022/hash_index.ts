/**
 * A table of values by 16-byte hashes. An entry takes about 40 bytes; in a
 * `Map` with text keys it takes two to four times as many.
 *
 * @module
 */
import { Slots } from "../../slots.ts";

const HASH_LENGTH = 16;

/** Entries in the first buffer. */
const FIRST_ROOM = 16;

/**
 * A hash table. The hashes are uniform, so their first bytes determine the
 * slot.
 */
export class HashIndex<T> {
  #hashes = new Uint8Array(FIRST_ROOM * HASH_LENGTH);
  readonly #values: T[] = [];
  readonly #slots = new Slots((position) => first(this.#hashAt(position)));

  /** The number of entries. */
  get size(): number {
    return this.#values.length;
  }

  /** Returns the value of a 16-byte hash. */
  get(hash: Uint8Array): T | undefined {
    const position = this.#find(hash);
    return position === undefined ? undefined : this.#values[position];
  }

  /**
   * Adds a value, or replaces the one of the same hash.
   *
   * @param hash 16 bytes; copied.
   */
  set(hash: Uint8Array, value: T): void {
    const known = this.#find(hash);
    if (known !== undefined) {
      this.#values[known] = value;
      return;
    }
    const position = this.#values.push(value) - 1;
    const start = position * HASH_LENGTH;
    if (start === this.#hashes.length) this.#grow();
    this.#hashes.set(hash, start);
    this.#slots.add(position);
  }

  /** Removes a value, if it exists. */
  delete(hash: Uint8Array): void {
    const position = this.#find(hash);
    if (position === undefined) return;
    this.#slots.remove(position);
    const last = this.#values.length - 1;
    if (position < last) {
      this.#slots.move(last, position);
      this.#hashes.set(this.#hashAt(last), position * HASH_LENGTH);
      this.#values[position] = this.#values[last]!;
    }
    this.#values.pop();
  }

  #find(hash: Uint8Array): number | undefined {
    return this.#slots.find(first(hash), (position) => {
      const start = position * HASH_LENGTH;
      for (let i = 0; i < HASH_LENGTH; i++) {
        if (this.#hashes[start + i] !== hash[i]) return false;
      }
      return true;
    });
  }

  #hashAt(position: number): Uint8Array {
    const start = position * HASH_LENGTH;
    return this.#hashes.subarray(start, start + HASH_LENGTH);
  }

  #grow(): void {
    const grown = new Uint8Array(this.#hashes.length * 2);
    grown.set(this.#hashes);
    this.#hashes = grown;
  }
}

function first(hash: Uint8Array): number {
  return hash[0]! | hash[1]! << 8 | hash[2]! << 16 | hash[3]! << 24;
}
