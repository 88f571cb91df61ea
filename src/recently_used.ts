/**
 * A cache of values that are costly to make.
 *
 * @module
 */

/**
 * Makes values, and keeps those that were requested most recently: at least
 * `size` of them, at most twice as many.
 */
export class RecentlyUsed<K, V> {
  readonly #make: (key: K) => V;
  readonly #size: number;
  #young = new Map<K, V>();
  #old: ReadonlyMap<K, V> = new Map();

  /**
   * @param size At least 1.
   * @param make Makes the value of a key; may throw.
   */
  constructor(size: number, make: (key: K) => V) {
    this.#size = size;
    this.#make = make;
  }

  /** Returns the value of a key. */
  get(key: K): V {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const value = this.#old.get(key) ?? this.#make(key);
    if (this.#young.size >= this.#size) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
    return value;
  }
}

/**
 * Puts an entry at the end of a bounded map. The entry that was put first is
 * dropped if there is no room.
 */
export function putNewest<K, V>(
  map: Map<K, V>,
  key: K,
  value: V,
  most: number,
): void {
  map.delete(key);
  if (map.size >= most) map.delete(map.keys().next().value!);
  map.set(key, value);
}
