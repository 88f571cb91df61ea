/**
 * The places that users are connected from. Those of this node are known at
 * once; those of other nodes are known from the panel's last count.
 *
 * @module
 */
import { MAX_PANEL_ADDRESSES } from "../../limits.ts";

/** The addresses of connected users, by name. */
export type Present = Iterable<
  readonly [name: string, hosts: readonly string[]]
>;

/** The places of the users of one node. */
export class PanelSeats {
  /** Places by user, in the order in which they were taken. */
  readonly #places = new Map<number, Set<string>>();
  /** The number of places of this node that the panel's counts include. */
  #told: ReadonlyMap<number, number> = new Map();
  #counts: ReadonlyMap<number, number> = new Map();

  /**
   * Takes a place for a user, or confirms it.
   *
   * @param most The most places at once.
   * @returns True if the user may be there.
   */
  enter(id: number, place: string, most: number): boolean {
    const here = this.#places.get(id) ?? new Set();
    if (here.has(place)) return true;
    if (here.size + this.#elsewhere(id) >= most) return false;
    this.#places.set(id, here.add(place));
    return true;
  }

  /** Releases a user's place. */
  leave(id: number, place: string): void {
    const here = this.#places.get(id);
    here?.delete(place);
    if (here?.size === 0) this.#places.delete(id);
  }

  /**
   * Makes the report to the panel.
   *
   * @param present The connected users, including those without a limit.
   */
  report(present: Present): ReadonlyMap<number, readonly string[]> {
    const all = new Map<number, readonly string[]>();
    for (const [name, hosts] of present) all.set(Number(name), hosts);
    for (const [id, places] of this.#places) {
      all.set(id, [...places].slice(-MAX_PANEL_ADDRESSES));
    }
    return all;
  }

  /**
   * Stores counts of the panel, which include the given report of this node.
   */
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
