/**
 * Where users are connected from, as far as a panel knows it: the places of
 * this node at once, those of all others as of its last count.
 *
 * @module
 */
import { MAX_PANEL_ADDRESSES } from "../../limits.ts";

/** Who is connected from where, by name. */
export type Present = Iterable<
  readonly [name: string, hosts: readonly string[]]
>;

/** The places of the users of one node. */
export class PanelSeats {
  /** By user, in the order in which they came. */
  readonly #places = new Map<number, Set<string>>();
  /** The number of our seats among those that the panel counts. */
  #told: ReadonlyMap<number, number> = new Map();
  #counts: ReadonlyMap<number, number> = new Map();

  /**
   * A user is at a place, or comes to it.
   *
   * @param most Places at once.
   * @returns True if it may be there.
   */
  enter(id: number, place: string, most: number): boolean {
    const here = this.#places.get(id) ?? new Set();
    if (here.has(place)) return true;
    if (here.size + this.#elsewhere(id) >= most) return false;
    this.#places.set(id, here.add(place));
    return true;
  }

  /** A user has left a place. */
  leave(id: number, place: string): void {
    const here = this.#places.get(id);
    here?.delete(place);
    if (here?.size === 0) this.#places.delete(id);
  }

  /**
   * The report to the panel.
   *
   * @param present Who is connected, users without a limit among them.
   */
  report(present: Present): ReadonlyMap<number, readonly string[]> {
    const all = new Map<number, readonly string[]>();
    for (const [name, hosts] of present) all.set(Number(name), hosts);
    for (const [id, places] of this.#places) {
      all.set(id, [...places].slice(-MAX_PANEL_ADDRESSES));
    }
    return all;
  }

  /** The panel has counted, and knew this report of ours. */
  count(
    counts: ReadonlyMap<number, number>,
    report: ReadonlyMap<number, readonly string[]>,
  ): void {
    this.#counts = counts;
    this.#told = new Map([...report].map(([id, { length }]) => [id, length]));
  }

  #elsewhere(id: number): number {
    const counted = this.#counts.get(id) ?? 0;
    return Math.max(0, counted - (this.#told.get(id) ?? 0));
  }
}
