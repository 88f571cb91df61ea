/**
 * Slow changes that must not overlap, one after the other.
 *
 * @module
 */

/** Takes actions in the order they come. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs the action when those before it have ended, well or not. */
  take<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action);
    this.#last = turn.catch(() => {});
    return turn;
  }
}
