/**
 * Collects one unit of known length from bytes that arrive split anywhere.
 *
 * @module
 */

/** An incomplete unit. */
export class UnitBuffer {
  readonly #unit: Uint8Array;
  #have = 0;

  /**
   * Allocates the buffer.
   *
   * @param length Bytes of the unit.
   */
  constructor(length: number) {
    this.#unit = new Uint8Array(length);
  }

  /** Bytes that have arrived. */
  get length(): number {
    return this.#have;
  }

  /** Bytes that are missing. */
  get missing(): number {
    return this.#unit.length - this.#have;
  }

  /**
   * Copies the missing bytes.
   *
   * @returns The remaining bytes, borrowed; `undefined` if the unit is not
   * complete yet.
   */
  take(bytes: Uint8Array): Uint8Array | undefined {
    const taken = bytes.subarray(0, this.missing);
    this.#unit.set(taken, this.#have);
    this.#have += taken.length;
    return this.missing === 0 ? bytes.subarray(taken.length) : undefined;
  }

  /** The unit, once it is complete. */
  get unit(): Uint8Array {
    return this.#unit;
  }
}
