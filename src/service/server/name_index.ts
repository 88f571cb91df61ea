/**
 * Values by name, in their order of insertion, in little memory.
 *
 * @module
 */
import { Slots } from "../../slots.ts";

/** Works like a `Map` of values that contain their names. */
export class NameIndex<T extends { readonly name: string }> {
  /** The values, with holes where values were removed. */
  #values: (T | undefined)[] = [];
  #slots = this.#noSlots();
  #size = 0;

  /** @param values Later values replace earlier ones of the same name. */
  constructor(values: Iterable<T> = []) {
    for (const value of values) this.set(value);
  }

  /** The number of values. */
  get size(): number {
    return this.#size;
  }

  /** Yields the values in order. */
  *values(): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  /** Returns the value of this name. */
  get(name: string): T | undefined {
    const position = this.#find(name);
    return position === undefined ? undefined : this.#values[position];
  }

  /** Adds a value, or replaces the one of the same name. */
  set(value: T): void {
    const known = this.#find(value.name);
    if (known !== undefined) {
      this.#values[known] = value;
      return;
    }
    const position = this.#values.push(value) - 1;
    this.#slots.add(position);
    this.#size++;
  }

  /** Removes a value, if it exists. */
  delete(name: string): void {
    const position = this.#find(name);
    if (position === undefined) return;
    this.#slots.remove(position);
    this.#values[position] = undefined;
    this.#size--;
    if (this.#size * 2 < this.#values.length) this.#close();
  }

  #find(name: string): number | undefined {
    return this.#slots.find(
      hashOf(name),
      (position) => this.#values[position]!.name === name,
    );
  }

  /** Removes the holes, once there are more holes than values. */
  #close(): void {
    this.#values = this.#values.filter((value) => value !== undefined);
    this.#slots = this.#noSlots();
    for (const position of this.#values.keys()) this.#slots.add(position);
  }

  #noSlots(): Slots {
    return new Slots((position) => hashOf(this.#values[position]!.name));
  }
}

/**
 * Returns 32-bit FNV-1a. The operator chooses the names, so no attacker can
 * make them collide.
 */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  // Lets the last character change all bits.
  return hash ^ hash >>> 15;
}
