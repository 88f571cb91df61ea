/**
 * Collects one unit of known length from bytes that arrive split anywhere.
 *
 * @module
 */

/** A unit under way. */
export class UnitBuffer {
  readonly #unit: Uint8Array;
  #have = 0;

  /**
   * Reserves the memory.
   *
   * @param length Bytes of the unit.
   */
  constructor(length: number) {
    this.#unit = new Uint8Array(length);
  }

  /** Bytes that are there. */
  get length(): number {
    return this.#have;
  }

  /** Bytes that are missing. */
  get missing(): number {
    return this.#unit.length - this.#have;
  }

  /**
   * Copies what is missing.
   *
   * @returns The bytes that are left over, borrowed; `undefined` when the unit
   * is not whole yet.
   */
  take(bytes: Uint8Array): Uint8Array | undefined {
    const taken = bytes.subarray(0, this.missing);
    this.#unit.set(taken, this.#have);
    this.#have += taken.length;
    return this.missing === 0 ? bytes.subarray(taken.length) : undefined;
  }

  /** The unit, once it is whole. */
  get unit(): Uint8Array {
    return this.#unit;
  }
}
