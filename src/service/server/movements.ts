/**
 * Whose numbers have changed, so that who keeps or shows them need not look at
 * everybody.
 *
 * @module
 */

/** The users of one server who did something, for each who follows them. */
export class Movements {
  readonly #followers: Set<string>[] = [];
  #epoch = 0;

  /**
   * Counts how often a follower has taken names: an account that has reported its
   * name in this epoch need not tell it again.
   */
  get epoch(): number {
    return this.#epoch;
  }

  /** Starts to follow, for as long as the server has accounts. */
  follow(): Follower {
    let names = new Set<string>();
    const at = this.#followers.push(names) - 1;
    return {
      take: () => {
        const taken = names;
        names = this.#followers[at] = new Set();
        this.#epoch++;
        return taken;
      },
    };
  }

  /** The numbers of a user have changed; empty: only those of the sum. */
  tell(name: string): void {
    for (const names of this.#followers) names.add(name);
  }
}

/** Follows the users of one server. */
export interface Follower {
  /**
   * Names of those whose numbers have changed since it was called last; the
   * empty one for the sum of all.
   */
  take(): ReadonlySet<string>;
}
