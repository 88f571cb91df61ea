/**
 * Values by name, in the order in which they came, in little memory.
 *
 * @module
 */
import { Slots } from "../../slots.ts";

/** As a `Map`; a value knows its own name. */
export class NameIndex<T extends { readonly name: string }> {
  /** With holes where values were removed. */
  #values: (T | undefined)[] = [];
  #slots = this.#noSlots();
  #size = 0;

  /** @param values The last one of a name takes the place of the others. */
  constructor(values: Iterable<T> = []) {
    for (const value of values) this.set(value);
  }

  /** How many there are. */
  get size(): number {
    return this.#size;
  }

  /** All of them, in their order. */
  *values(): Generator<T> {
    for (const value of this.#values) if (value !== undefined) yield value;
  }

  /** The value of this name. */
  get(name: string): T | undefined {
    const position = this.#find(name);
    return position === undefined ? undefined : this.#values[position];
  }

  /** Adds a value, or takes the place of the one of this name. */
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

  /** Removes a value, if it is there. */
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

  /** Closes the holes, once there are more of them than values. */
  #close(): void {
    this.#values = this.#values.filter((value) => value !== undefined);
    this.#slots = this.#noSlots();
    for (const position of this.#values.keys()) this.#slots.add(position);
  }

  #noSlots(): Slots {
    return new Slots((position) => hashOf(this.#values[position]!.name));
  }
}

/** FNV-1a, 32 bits. Names are the operator's: nobody chooses them to collide. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  }
  // The last character must reach all bits.
  return hash ^ hash >>> 15;
}
