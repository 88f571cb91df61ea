/**
 * Collects the names of users whose numbers have changed, so that stores and
 * viewers need not check all users.
 *
 * @module
 */

/** The changed users of one server, for each follower. */
export class Movements {
  readonly #followers: Set<string>[] = [];
  #epoch = 0;

  /**
   * Counts how often a follower has taken names. An account that has reported
   * its name in the present epoch need not do it again.
   */
  get epoch(): number {
    return this.#epoch;
  }

  /** Makes a follower, which exists as long as the accounts of the server. */
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

  /**
   * Reports that the numbers of a user have changed; an empty name stands for
   * the total only.
   */
  tell(name: string): void {
    for (const names of this.#followers) names.add(name);
  }
}

/** Follows the users of one server. */
export interface Follower {
  /**
   * Returns the names of users whose numbers have changed since the last call;
   * the empty name stands for the total.
   */
  take(): ReadonlySet<string>;
}
